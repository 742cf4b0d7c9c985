"""A layer over /usr in which what must not be seen inside does not exist, and what programs look for does."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path


def make_whiteouts(target: Path, hidden: tuple[str, ...], links: Mapping[str, str]) -> None:
    """Make the layer, complete or not at all: overlayfs reads a 0:0 character device as a deletion.

    `hidden` are absolute paths below /usr, and `links` such paths with what they point to. Several makers at once are
    no harm: the first one's stays.
    """
    if target.exists():
        return
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        _fill(scratch, hidden, links)
        scratch.chmod(0o755)
        _settle(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fill(scratch: Path, hidden: tuple[str, ...], links: Mapping[str, str]) -> None:
    for path in hidden:
        os.mknod(_place(scratch, path), 0o020000, os.makedev(0, 0))
    for path, points_to in links.items():
        _place(scratch, path).symlink_to(points_to)


def _place(scratch: Path, path: str) -> Path:
    place = scratch / Path(path).relative_to("/usr")
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    return place


def _settle(scratch: Path, target: Path) -> None:
    try:
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise
