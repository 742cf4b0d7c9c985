"""A session's /etc: a copy of what every account of the host may read, less what `secrecy` denies."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from cove.node.images.secrecy import bytes_without_credentials, is_denied, looks_secret

_LARGEST = 4 * 1024 * 1024
_LINK_ROOTS = ("/usr/", "/etc/", "/bin/", "/sbin/", "/lib/", "/lib64/", "/proc/mounts", "/dev/null", "/run/")


def copy_etc(source: Path, target: Path) -> None:
    """Copy `source` (a host's /etc) into the new directory `target`; everything in it is made anew, owned by us."""
    _copy_directory(source, target, "")


def etc_facts(source: Path) -> Iterator[str]:
    """One line per entry that would be looked at, which changes when the entry does: for the fingerprint."""
    for directory, names, files in os.walk(source):
        names.sort()
        for name in sorted(files):
            path = os.path.join(directory, name)
            try:
                state = os.lstat(path)
            except FileNotFoundError:  # gone since it was listed
                continue
            yield f"{os.path.relpath(path, source)} {state.st_mode:o} {state.st_size} {state.st_mtime_ns}"


def _copy_directory(source: Path, target: Path, relative: str) -> None:
    target.mkdir()
    target.chmod(0o755)
    with os.scandir(source) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            inside = f"{relative}/{entry.name}".lstrip("/")
            if not is_denied(inside):
                _copy_entry(entry, target / entry.name, inside)


def _copy_entry(entry: os.DirEntry[str], target: Path, inside: str) -> None:
    """Copy one name, or nothing: the host lives on, and may have removed it since it was listed."""
    with contextlib.suppress(FileNotFoundError):
        _copy_existing(entry, target, inside)


def _copy_existing(entry: os.DirEntry[str], target: Path, inside: str) -> None:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISLNK(mode):
        _copy_link(os.readlink(entry.path), target, inside)
    elif stat.S_ISDIR(mode) and mode & 0o005 == 0o005:
        _copy_directory(Path(entry.path), target, inside)
    elif stat.S_ISREG(mode) and mode & 0o004:
        _copy_file(entry.path, target)


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
