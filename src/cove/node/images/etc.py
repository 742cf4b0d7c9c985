"""A session's /etc: a copy of what every account of the host may read, less what `secrecy` denies."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, TypeVar

from cove.node.images.secrecy import bytes_without_credentials, is_denied, looks_secret

T = TypeVar("T")
_LARGEST = 4 * 1024 * 1024
_LINK_ROOTS = ("/usr/", "/etc/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/proc/mounts", "/dev/null", "/run/")
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO})
"""What the kernel says of a name that has gone since it was looked at, or means something of another kind by now."""


class Entry(NamedTuple):
    """Something in the host's /etc: its path there, where it is read, and how it was found."""

    inside: str
    path: str
    state: os.stat_result


def copy_etc(source: Path, target: Path) -> None:
    """Copy `source` (a host's /etc) into the new directory `target`; everything in it is made anew, owned by us."""
    _make_directory(target)
    for _ in _each(source, lambda entry: _copied(entry, target / entry.inside)):
        pass


def etc_facts(source: Path) -> Iterator[str]:
    """One line per entry that would be looked at, which changes when the entry does: for the fingerprint."""
    return _each(source, _fact)


def _each(directory: str | Path, take: Callable[[Entry], T | None], inside: str = "") -> Iterator[T]:
    """What `take` makes of each entry, a directory before what is in it; it is not entered where that is None.

    The host lives on: what it removes or replaces meanwhile is left out.
    """
    for name in sorted(os.listdir(directory)):
        try:
            yield from _taken(os.path.join(directory, name), take, f"{inside}/{name}".lstrip("/"))
        except OSError as error:
            if error.errno not in _GONE:
                raise


def _taken(path: str, take: Callable[[Entry], T | None], inside: str) -> Iterator[T]:
    entry = Entry(inside, path, os.lstat(path))
    taken = take(entry)
    if taken is not None:
        yield taken
        if _is_open_directory(entry.state.st_mode):
            yield from _each(path, take, inside)


def _is_open_directory(mode: int) -> bool:
    return stat.S_ISDIR(mode) and mode & 0o005 == 0o005


def _fact(entry: Entry) -> str:
    mode = entry.state.st_mode
    content = "" if stat.S_ISDIR(mode) else f" {entry.state.st_size} {entry.state.st_mtime_ns}"
    return f"{entry.inside} {mode:o}{content}"


def _copied(entry: Entry, target: Path) -> Path | None:
    """Copy one entry; None if it is no session's to see."""
    if is_denied(entry.inside):
        return None
    mode = entry.state.st_mode
    if _is_open_directory(mode):
        _make_directory(target)
    elif stat.S_ISLNK(mode):
        _copy_link(os.readlink(entry.path), target, entry.inside)
    elif stat.S_ISREG(mode) and mode & 0o004:
        _copy_file(entry.path, target)
    return target


def _make_directory(target: Path) -> None:
    target.mkdir()
    target.chmod(0o755)


def _copy_link(link: str, target: Path, inside: str) -> None:
    """Links are never followed here, and kept only where what they name is a session's to see."""
    meant = os.path.normpath(os.path.join("/etc", os.path.dirname(inside), link))
    is_shown = not is_denied(meant[5:]) if meant.startswith("/etc/") else meant.startswith(_LINK_ROOTS)
    if is_shown:
        target.symlink_to(link)


def _copy_file(source: str, target: Path) -> None:
    with open(source, "rb", opener=lambda path, flags: os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)) as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode) or not state.st_mode & 0o004 or state.st_size > _LARGEST:
            return
        content = file.read(_LARGEST)
    if looks_secret(content):
        return
    target.write_bytes(bytes_without_credentials(content))
    target.chmod(0o755 if state.st_mode & 0o111 else 0o644)
