"""Who looks after the output of background processes when their command is over."""

import os
import socket
import sys
import time

from cove.guest.leftovers import REST, Drain
from cove.guest.threads import Lock, start_thread


class Keeper:
    """Whom a guest gives its leftovers: pid 1 through `socket_fd`, else a thread of this process."""

    def __init__(self, socket_fd: int | None = None) -> None:
        self._socket_fd = socket_fd
        self._lock = Lock()
        self._drain: Drain | None = None

    def keep(self, fds: list[int]) -> None:
        """Take over the descriptors, if there are any: it wakes pid 1."""
        if not fds:
            return
        if self._socket_fd is not None and self._sent(fds):
            for fd in fds:
                os.close(fd)
            return
        with self._lock:
            drain = self._drain or self._start()
            for fd in fds:
                drain.add(fd)

    def _sent(self, fds: list[int]) -> bool:
        rights = b"".join(fd.to_bytes(4, sys.byteorder) for fd in fds)
        with socket.socket(fileno=os.dup(self._socket_fd or 0)) as pid_1:
            try:
                pid_1.sendmsg([b"k"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            except OSError:
                return False
        return True

    def _start(self) -> Drain:
        self._drain = Drain()
        start_thread(_drain_on, self._drain)
        return self._drain


def _drain_on(drain: Drain) -> None:
    while True:
        if drain.turn(None):
            time.sleep(REST)
