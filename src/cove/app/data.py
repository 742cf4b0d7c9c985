"""The data directory: its layout, its modes, its lock, and the id of the Cove that lives in it."""

import errno
import fcntl
import os
import secrets
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cove.core.errors import DataInUse, InvalidSetting

_FLOCK = "hhqqixxxx"  # struct flock: type, whence, start, length (0: to the end), pid
_WHOLE_FILE = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
_PRIVATE = ("run", "log")
"""Directories of the app; what the node keeps has modes of its own, set where it is made."""
_PID_BYTES = 20
"""As long as any process id: written over the last one in one go, so that nobody reads half of each."""
_REMEDIES = {errno.ENOSPC: "free some space there, or choose another with --data"}


class DataDir:
    """Where one Cove keeps everything. Made by `prepare`, owned by whoever holds `locked`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "cove.db"
        self.lock = root / "lock"
        self.socket = root / "run" / "cove.sock"
        self.address = root / "run" / "address"
        self.log = root / "log" / "cove.log"
        self.instance_file = root / "instance"
        self.tls = root / "tls"
        self._held: os.stat_result | None = None

    def prepare(self) -> None:
        """Make what is missing; raises InvalidSetting if it cannot be made, or is not ours alone to write.

        Also where the directory was made by somebody for whom others may look into it, they see no database.
        """
        with self.usable():
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._check_owner()
            os.close(os.open(self.database, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            for name in _PRIVATE:
                (self.root / name).mkdir(exist_ok=True, mode=0o700)
                (self.root / name).chmod(0o700)

    @contextmanager
    def usable(self) -> Iterator[None]:
        """What the file system refuses, as a sentence about the data directory."""
        try:
            yield
        except OSError as error:
            place = f" at {error.filename}" if error.filename else ""
            remedy = f"{error.strerror}{place}; {_REMEDIES.get(error.errno or 0, 'choose another with --data')}"
            raise InvalidSetting(name="data", value=str(self.root), remedy=remedy) from error

    def _check_owner(self) -> None:
        found = self.root.stat()
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o022:
            remedy = "it must belong to the user who runs `cove up`, and nobody else may write in it"
            raise InvalidSetting(name="data", value=str(self.root), remedy=remedy)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the directory; raises DataInUse, naming the process that holds it. The kernel lets go when we die."""
        with self.usable():
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            with self.usable():
                _take(descriptor, self.root)
                os.pwrite(descriptor, f"{os.getpid():<{_PID_BYTES}}".encode(), 0)
                self._held = os.fstat(descriptor)
            yield
        finally:
            os.close(descriptor)

    def is_held(self) -> bool:
        """Whether the lock that we took is still the directory's; else others may have started on the same path."""
        try:
            return self._held is not None and os.path.samestat(self._held, self.lock.stat())
        except OSError:
            return False

    def unlink_socket(self) -> None:
        """Take our socket away, and nobody else's."""
        if self.is_held():
            self.socket.unlink(missing_ok=True)

    def holder(self) -> int | None:
        """The process that serves this directory, or None. Asking takes no lock, so it disturbs no starter."""
        try:
            descriptor = os.open(self.lock, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            answer = fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE_FILE)
            is_free = struct.unpack(_FLOCK, answer)[0] == fcntl.F_UNLCK
            return None if is_free else _read_pid(descriptor)
        finally:
            os.close(descriptor)

    def instance(self) -> str:
        """The id that tells this Cove's sandboxes from another's; made once. Call it under the lock."""
        with self.usable():
            if not self.instance_file.exists():
                made = self.instance_file.with_suffix(".new")
                made.write_text(secrets.token_hex(4))
                made.chmod(0o600)
                made.rename(self.instance_file)
            found = self.instance_file.read_text().strip()
        if len(found) != 8 or not set(found) <= set("0123456789abcdef"):
            remedy = f"{self.instance_file} must hold eight hexadecimal digits; restore it, sandboxes are found by it"
            raise InvalidSetting(name="data", value=str(self.root), remedy=remedy)
        return found


def _take(descriptor: int, root: Path) -> None:
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE_FILE)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        raise DataInUse(data=str(root), pid=_read_pid(descriptor)) from error


def _read_pid(descriptor: int) -> int:
    text = os.pread(descriptor, _PID_BYTES, 0).strip()
    return int(text) if text.isdigit() else 0
