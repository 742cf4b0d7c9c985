"""The output of what a command left in the background: read and thrown away, so that it neither blocks nor dies.

A background process holds the write ends of its command's pipes. Were their read ends closed when the command is over,
its next line would kill it (SIGPIPE); were they kept and not read, it would stand still after 64 KiB. Files instead of
pipes would fill the disk or the memory. So somebody reads on: in a sandbox pid 1, since that survives the guest;
elsewhere a thread.
"""

import _thread
import os
import select

MOST = 512
"""Descriptors drained at once; the oldest is closed for the next one, and its writer gets SIGPIPE."""
_READ = 64 * 1024
REST = 0.005
"""Seconds between two rounds that found something: a background flood is slowed to some MB/s and costs little."""


class Drain:
    """Descriptors that are read until their end. Imports stay small here: pid 1 uses it."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._fds: dict[int, None] = {}
        self._lock = _thread.allocate_lock()
        self.fd = self._epoll.fileno()

    def add(self, fd: int) -> None:
        """Take over `fd` and close it when its writers are gone."""
        os.set_blocking(fd, False)
        with self._lock:
            while len(self._fds) >= MOST:
                self._drop(next(iter(self._fds)))
            self._fds[fd] = None
            self._epoll.register(fd, select.EPOLLIN)

    def turn(self, timeout: float | None) -> bool:
        """Wait, then read once from each that has something; says whether any had."""
        ready = self._epoll.poll(timeout)
        with self._lock:
            for fd, _ in ready:
                if fd in self._fds and not _has_more(fd):
                    self._drop(fd)
        return bool(ready)

    def _drop(self, fd: int) -> None:
        self._epoll.unregister(fd)
        del self._fds[fd]
        os.close(fd)


def _has_more(fd: int) -> bool:
    try:
        return bool(os.read(fd, _READ))
    except BlockingIOError:
        return True
    except OSError:
        return False
