"""A layer over /usr in which what must not be seen inside does not exist, and what programs look for does."""

import os
from collections.abc import Mapping
from pathlib import Path

from cove.node.whole import made_whole


def make_whiteouts(target: Path, hidden: tuple[str, ...], links: Mapping[str, str]) -> None:
    """Make the layer, complete or not at all: overlayfs reads a 0:0 character device as a deletion.

    `hidden` are absolute paths below /usr, and `links` such paths with what they point to. Several makers at once are
    no harm: the first one's stays.
    """
    if target.exists():
        return
    with made_whole(target) as scratch:
        _fill(scratch, hidden, links)


def _fill(scratch: Path, hidden: tuple[str, ...], links: Mapping[str, str]) -> None:
    for path in hidden:
        os.mknod(_place(scratch, path), 0o020000, os.makedev(0, 0))
    for path, points_to in links.items():
        _place(scratch, path).symlink_to(points_to)


def _place(scratch: Path, path: str) -> Path:
    place = scratch / Path(path).relative_to("/usr")
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    return place
