"""A layer over /usr in which what must not be seen inside does not exist."""

import os
import shutil
from pathlib import Path


def make_whiteouts(target: Path, hidden: tuple[str, ...]) -> None:
    """Make the layer, complete or not at all: overlayfs reads a 0:0 character device as a deletion.

    `hidden` are absolute paths below /usr.
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
    scratch.rename(target)
