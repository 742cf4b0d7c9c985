"""Paths that callers name: checked, made absolute, and where they lie on this machine."""

import os
from typing import NamedTuple

from cove.guest.failures import failed
from cove.guest.settings import GuestSettings

MAX_PATH = 4096
"""Bytes of UTF-8, the kernel's PATH_MAX: a longer one could not be opened anyhow."""


class Place(NamedTuple):
    """A path as its caller sees it (`shown`, absolute) and as this process opens it (`real`)."""

    shown: str
    real: str

    def below(self, name: str) -> "Place":
        """The entry `name` (possibly several levels deep) of this directory."""
        return Place(os.path.join(self.shown, name), os.path.join(self.real, name))


def place(settings: GuestSettings, path: str) -> Place:
    """Where `path` is; a relative one starts at the home directory. Raises ToolFailed InvalidPath."""
    _check(path)
    real = os.path.join(settings.home, path)
    # ".." stays: what it means depends on links.
    shown = real if ".." in real.split("/") else os.path.normpath(real)
    if settings.root is None:
        return Place(shown, real)
    # Only a simulation has a root; there `..` is taken out first, so that it does not lead above it by accident.
    return Place(shown, settings.root.rstrip("/") + os.path.normpath("/" + shown.lstrip("/")))


def _check(path: str) -> None:
    if not path or "\0" in path:
        raise failed("InvalidPath", f"{path[:80]!r} is no path: it must be non-empty and hold no NUL")
    try:
        size = len(os.fsencode(path))
    except UnicodeEncodeError as error:
        raise failed("InvalidPath", "the path is not valid Unicode text") from error
    if size > MAX_PATH:
        raise failed("InvalidPath", f"a path of {size} bytes is over {MAX_PATH}; it begins {path[:80]!r}")


def readable(name: str) -> str:
    r"""A file name as text that JSON can carry: bytes that are no UTF-8 are shown as `\xNN`, so that names differ.

    >>> print(readable("caf\udce9"))
    caf\xe9
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")
