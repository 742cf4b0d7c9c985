"""What lies under /usr and must not be seen in a session, where root would read it through the idmap; what lacks."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from cove.node.images.secrecy import SECRET_NAMES_IN_USR, any_of, looks_secret

_READ_AT_MOST = 64 * 1024
_PACKAGE_MARKER = "EXTERNALLY-MANAGED"
"""By this file Debian's Python refuses a plain `pip install`; a session's machine is its user's own to break."""
_CONTENT_COUNTS = (".key", ".pem", "npmrc", "pip.conf")


def hidden_paths(root: Path) -> tuple[str, ...]:
    """Paths below /usr to leave out, absolute as a session would see them; nothing beneath a hidden directory."""
    return tuple(sorted("/" + os.path.relpath(found, root) for found in _walk(os.fspath(root / "usr"))))


def _walk(directory: str) -> Iterator[str]:
    """The host lives on: what it removes meanwhile is passed over."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_symlink():
                continue
            if _is_there_and_hidden(entry):
                yield entry.path
            elif entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path)


def _is_there_and_hidden(entry: os.DirEntry[str]) -> bool:
    try:
        return _is_hidden(entry)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_hidden(entry: os.DirEntry[str]) -> bool:
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISDIR(mode):
        return mode & 0o005 != 0o005
    if not stat.S_ISREG(mode):
        return True
    return not mode & 0o005 or _has_secret_name(entry.name) or _has_secret_content(entry)


def _has_secret_name(name: str) -> bool:
    return name == _PACKAGE_MARKER or any_of(SECRET_NAMES_IN_USR).match(name) is not None


def _has_secret_content(entry: os.DirEntry[str]) -> bool:
    if not entry.name.endswith(_CONTENT_COUNTS):
        return False
    with open(entry.path, "rb") as file:
        return looks_secret(file.read(_READ_AT_MOST))


def usr_links(root: Path) -> dict[str, str]:
    """Links to add below /usr: scripts call `python`, which Debian leaves out where python-is-python3 is not installed.

    A path as a session sees it, with what it points to.
    """
    has_python = any(os.path.lexists(root / directory / "python") for directory in ("usr/bin", "usr/local/bin"))
    return {} if has_python or not (root / "usr/bin/python3").exists() else {"/usr/bin/python": "python3"}
