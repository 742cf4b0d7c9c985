"""Child processes: made, put under the session's limits, given their user's rights, waited for and killed.

Children are made with a plain `fork`. The guest has threads, so the child may do only what needs no lock another thread
may hold: system calls, and code that is imported already (Python makes its own locks anew, glibc its allocator's).
"""

import _signal  # type: ignore[import-not-found]  # typeshed knows only `signal`, which is made of it
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable

from cove.guest.cancel import Cancel
from cove.guest.settings import GuestSettings, User

SLICE = 0.25
"""Seconds: the longest single wait. A freeze meanwhile costs a deadline at most this and `_GRACE`."""
_GRACE = 0.25
_REAP = 5.0
_RESTORED = tuple(
    int(number)
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
)
_OOM_SCORE = b"500"
"""Commands die of a full memory before the guest does."""


def fork(action: Callable[[], int]) -> int:
    """Run `action` in a child that exits with what it returns; gives the child's pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        code = action()
    except BaseException:  # noqa: BLE001 - whatever happens, the child must not run on as a second guest
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


def become(settings: GuestSettings, user: User) -> None:
    """In a child: enter the session's cgroups, then take the user's rights for good; the first needs root's still."""
    for fd in settings.cgroup_fds:
        os.write(fd, b"0")
    _volunteer_for_oom()
    if settings.process_bytes is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (settings.process_bytes, settings.process_bytes))
    os.umask(0o022)
    if settings.switch_user:
        uid, gid = settings.ids(user)
        os.setgroups([gid])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)


def _volunteer_for_oom() -> None:
    try:
        fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    except OSError:
        return  # no /proc here: nothing to raise
    try:
        os.write(fd, _OOM_SCORE)
    except OSError:
        pass  # it stands higher already, and may not be lowered
    finally:
        os.close(fd)


def restore_signals() -> None:
    """In a child, before exec: undo what Python and pid 1 ignore, which would be inherited."""
    # `_signal`: the enums that `signal` makes of what was set before cost every command a quarter of a millisecond
    for number in _RESTORED:
        _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, [])


class Deadline:
    """Counts down running time: time in which this process stood still (frozen with its sandbox) does not count."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self._last = time.monotonic()

    def poll(self, poller: select.poll) -> list[int]:
        """Descriptors that are ready, after a wait of at most one slice."""
        wait = min(SLICE, max(self.left, 0.0))
        ready = poller.poll(wait * 1000)
        now = time.monotonic()
        self.left -= min(now - self._last, wait + _GRACE)
        self._last = now
        return [fd for fd, _ in ready]


class Child:
    """A running child and its pidfd. Use as a context manager: at the end it is dead and reaped."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.fd = os.pidfd_open(pid)
        self._status: int | None = None

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is None:
            self.kill()
        os.close(self.fd)

    def kill(self) -> None:
        """SIGKILL to the whole process group (or the child alone, if it leads none), and reap."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(self.fd, signal.SIGKILL)
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        if poller.poll(_REAP * 1000):
            self.reap()

    def reap(self) -> int:
        """The exit code of the child that has ended: 128+N when signal N ended it."""
        code = self.reap_signed()
        return code if code >= 0 else 128 - code

    def reap_signed(self) -> int:
        """The same, but minus N when signal N ended it."""
        if self._status is None:
            self._status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._status


def wait(child: Child, cancel: Cancel, deadline: Deadline) -> bool:
    """Wait for the child's end; False when time was up or the call was cancelled before it."""
    poller = select.poll()
    poller.register(child.fd, select.POLLIN)
    poller.register(cancel.fd, select.POLLIN)
    while deadline.left > 0 and not cancel.is_set:
        if child.fd in deadline.poll(poller):
            child.reap()
            return True
    return False
