"""A layer over /usr in which what must not be seen inside does not exist, and what programs look for does."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def make_whiteouts(target: Path, hidden: tuple[str, ...], links: Mapping[str, str]) -> None:
    """Make the layer, complete or not at all: overlayfs reads a 0:0 character device as a deletion.

    `hidden` are absolute paths below /usr, and `links` such paths with what they point to.
    """
    if target.exists():
        return
    scratch = target.with_suffix(".new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o755)
    for path in hidden:
        place = scratch / Path(path).relative_to("/usr")
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        os.mknod(place, 0o020000, os.makedev(0, 0))
    for path, points_to in links.items():
        place = scratch / Path(path).relative_to("/usr")
        place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        place.symlink_to(points_to)
    scratch.rename(target)
