"""Directory trees: walked, and removed however deep they are, by people who may have made them to hurt."""

import errno
import os
import stat
from collections.abc import Callable, Iterator

from cove.guest.failures import failed


def walk(
    top: str, enters: Callable[[str, str], bool] = lambda _relative, _name: True
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Each entry below `top` with its path relative to it; links are not followed, what cannot be read is passed over.

    Directories for which `enters(relative path, name)` is false are not gone into, nor are over-long paths.
    """
    pending = [""]
    while pending:
        directory = pending.pop()
        try:
            with os.scandir(os.path.join(top, directory)) as entries:
                for entry in entries:
                    relative = os.path.join(directory, entry.name)
                    yield relative, entry
                    if entry.is_dir(follow_symlinks=False) and enters(relative, entry.name):
                        pending.append(relative)
        except OSError:
            continue


def remove_tree(path: str) -> None:
    """Delete a directory with everything in it; raises OSError.

    It holds one descriptor however deep the tree is, goes down by name without following links, and up by "..", where
    it checks that it came back to where it was: a directory moved away meanwhile must not lead it elsewhere.
    Directories that their owner has closed (mode 000) are opened with the owner's right to do so.
    """
    path = path.rstrip("/") or "/"
    parent, name = os.path.split(path)
    if name in {"", ".", ".."}:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    here = os.open(parent or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    trail: list[tuple[str, tuple[int, int]]] = []
    try:
        here = _descend(here, name, trail)
        while trail:
            below = _empty_or_descend(here)
            here = _ascend(here, trail) if below is None else _descend(here, below, trail)
    finally:
        os.close(here)


def _empty_or_descend(here: int) -> str | None:
    """Delete the files of a directory; gives the name of a directory in it, if there is one."""
    with os.scandir(here) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                return entry.name
            os.unlink(entry.name, dir_fd=here)
    return None


def _descend(here: int, name: str, trail: list[tuple[str, tuple[int, int]]]) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    mode = os.stat(name, dir_fd=here, follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode) and mode & 0o700 != 0o700:
        os.chmod(name, 0o700, dir_fd=here)
    below = os.open(name, flags, dir_fd=here)
    trail.append((name, _identity(here)))
    os.close(here)
    return below


def _ascend(here: int, trail: list[tuple[str, tuple[int, int]]]) -> int:
    name, identity = trail.pop()
    above = os.open("..", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=here)
    os.close(here)
    if _identity(above) != identity:
        os.close(above)
        raise failed("OperationFailed", f"the directory {name!r} was moved while it was being deleted")
    os.rmdir(name, dir_fd=above)
    return above


def _identity(fd: int) -> tuple[int, int]:
    info = os.fstat(fd)
    return info.st_dev, info.st_ino
