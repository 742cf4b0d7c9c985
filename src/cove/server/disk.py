"""Room for the database on a full disk: new sessions are refused early, and a ballast file is given up late."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from cove.core.errors import DiskReserved

log = structlog.get_logger("cove.server")


def free_bytes(directory: Path) -> int:
    """What an unprivileged process may still write to the file system of `directory`."""
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


class Reserve:
    """The ballast: a file of `size` bytes beside the database."""

    def __init__(self, file: Path, size: int, free: Callable[[Path], int] = free_bytes) -> None:
        self._file = file
        self._size = size
        self._free = free

    def check(self) -> None:
        """Raise DiskReserved if a new session would eat into what is kept back."""
        free = self._free(self._file.parent)
        if free < self._size:
            raise DiskReserved(free_bytes=free, reserve_bytes=self._size)

    def drop(self) -> bool:
        """Give the ballast up, so that deletions can still be recorded; says whether there was one."""
        try:
            self._file.unlink()
        except FileNotFoundError:
            return False
        log.warning("disk full: reserve given up", reserve_bytes=self._size)
        return True

    def rebuild(self) -> None:
        """Make the ballast where it is missing and there is room for it twice. Blocks for some milliseconds."""
        if self._size == 0 or self._file.exists() or self._free(self._file.parent) < 2 * self._size:
            return
        descriptor = os.open(self._file, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, self._size)
        except OSError:
            with suppress(FileNotFoundError):
                self._file.unlink()
        finally:
            os.close(descriptor)
