"""A pipe of the kernel's, through which bytes go from socket to socket without coming up to us."""

import contextlib
import fcntl
import os
import socket
from typing import Self

_BYTES = 512 * 1024
_MOST = 128
"""Tubes at once, of all sessions: two descriptors each. Who finds none left is carried the ordinary way."""
_F_SETPIPE_SZ = 1031
_MOVE_WITHOUT_WAITING = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK


class Tube:
    """`held` bytes are in it. Close it when nothing more shall go through."""

    _taken = 0

    def __init__(self, out_end: int, in_end: int) -> None:
        self.held = 0
        self._out_end, self._in_end = out_end, in_end
        Tube._taken += 1

    @classmethod
    def take(cls) -> Self | None:
        """A tube, if there is one to have."""
        if cls._taken >= _MOST:
            return None
        try:
            out_end, in_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:  # no descriptor is left
            return None
        with contextlib.suppress(OSError):  # the kernel's own size does, too
            fcntl.fcntl(in_end, _F_SETPIPE_SZ, _BYTES)
        return cls(out_end, in_end)

    def fill(self, source: socket.socket) -> int:
        """Take in what there is, into an empty tube; 0 at the end. Raises BlockingIOError, or the socket's OSError."""
        self.held = os.splice(source.fileno(), self._in_end, _BYTES, flags=_MOVE_WITHOUT_WAITING)
        return self.held

    def drain(self, target: socket.socket) -> None:
        """Give out what `target` takes; raises BlockingIOError, or the socket's OSError."""
        self.held -= os.splice(self._out_end, target.fileno(), self.held, flags=_MOVE_WITHOUT_WAITING)

    def close(self) -> None:
        """Give it back."""
        Tube._taken -= 1
        os.close(self._out_end)
        os.close(self._in_end)
