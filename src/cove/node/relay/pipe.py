"""Carries bytes between two sockets: with back pressure, half-closes and resets, as if there were one wire.

What a direction carries first is read and written here; once it is much, the kernel moves it by itself (splice).
"""

import asyncio
import socket
import struct
from collections.abc import Callable

from cove.node.relay.tube import Tube

_RESET, _ORDINARY = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
_PIECE = 64 * 1024
_MUCH = 512 * 1024
"""Bytes after which a tube pays; a gate has long made up its mind by then."""
_PIECES_A_TURN = 4
"""Then other connections have theirs."""

Gate = Callable[[bytes], bytes | None]
"""Takes what the session sends and gives what may go on now (b"" while it cannot tell); None refuses the connection."""


class Pipe:
    """One relayed connection: `inner` leads to the session, `outer` to the world. Both are closed at the end."""

    def __init__(self, inner: socket.socket, outer: socket.socket, gate: Gate | None = None) -> None:
        self.is_refused = self.is_cut = False
        self._sockets = (inner, outer)
        self._up = _Flow(inner, outer, self, gate)
        self._down = _Flow(outer, inner, self, None)
        self._ended = asyncio.get_running_loop().create_future()

    @property
    def rx_bytes(self) -> int:
        """Bytes that the session received."""
        return self._down.bytes_read

    @property
    def tx_bytes(self) -> int:
        """Bytes that the session sent."""
        return self._up.bytes_read

    async def run(self) -> None:
        """Carry until both sides are done, or one breaks; breaks both off when cancelled."""
        try:
            for each in self._sockets:
                close_ordinarily(each)
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._down.start()
            self._up.start()
            await self._ended
        finally:
            self.reset()

    def reset(self) -> None:
        """Break both sides off, so that each program sees a broken connection; what is closed already stays so."""
        for each in self._sockets:
            reset_on_close(each)
        self._close()

    def refuse(self) -> None:
        """The gate said no."""
        self.is_refused = True
        self.reset()

    def cut(self) -> None:
        """The policy changed its mind."""
        self.is_cut = True
        self.reset()

    def flow_ended(self) -> None:
        """One direction is done; when both are, the pipe is."""
        if self._up.is_done and self._down.is_done:
            self._close()

    def _close(self) -> None:
        for flow in (self._up, self._down):
            flow.stop()
        for each in self._sockets:
            each.close()
        if not self._ended.done():
            self._ended.set_result(None)


class _Flow:
    """One direction: what is read from `source` is written to `target`, and nothing is read while that is slow."""

    def __init__(self, source: socket.socket, target: socket.socket, pipe: Pipe, gate: Gate | None) -> None:
        self.bytes_read, self.is_done = 0, False
        self._source, self._target, self._pipe, self._gate = source, target, pipe, gate
        self._loop = asyncio.get_running_loop()
        self._left = memoryview(b"")
        self._tube: Tube | None = None
        self._wants_tube = True

    def start(self) -> None:
        """Begin to read."""
        self._loop.add_reader(self._source, self._read)

    def stop(self) -> None:
        """Neither read nor write any more; the sockets are still open."""
        self.is_done = True
        if self._source.fileno() >= 0:
            self._loop.remove_reader(self._source)
            self._loop.remove_writer(self._target)
        if self._tube:
            self._tube.close()
            self._tube = None

    def _read(self) -> None:
        try:
            for _ in range(_PIECES_A_TURN):
                is_flowing = self._read_tube(self._tube) if self._tube else self._read_piece()
                if not is_flowing:
                    return
        except BlockingIOError:
            return
        except OSError:
            self._pipe.reset()

    def _read_piece(self) -> bool:
        """Carry what there is; whether more may be read now. Raises OSError."""
        data = self._source.recv(_PIECE)
        if not data:
            return self._finish()
        self.bytes_read += len(data)
        passed = self._gate(data) if self._gate else data
        if passed is None:
            self._pipe.refuse()
            return False
        self._left = memoryview(passed)
        if self.bytes_read >= _MUCH and self._wants_tube:
            self._tube, self._wants_tube = Tube.take(), False
        return self._write_left()

    def _read_tube(self, tube: Tube) -> bool:
        count = tube.fill(self._source)
        self.bytes_read += count
        return self._write_left() if count else self._finish()

    def _write_left(self) -> bool:
        """Write what was read; what the target does not take waits until it does. Raises OSError."""
        try:
            while self._left:
                self._left = self._left[self._target.send(self._left) :]
            while self._tube and self._tube.held:
                self._tube.drain(self._target)
        except BlockingIOError:
            self._loop.remove_reader(self._source)
            self._loop.add_writer(self._target, self._write_on)
            return False
        return True

    def _write_on(self) -> None:
        try:
            if self._write_left():
                self._loop.remove_writer(self._target)
                self.start()
        except OSError:
            self._pipe.reset()

    def _finish(self) -> bool:
        """The source has ended, and with it this direction; the other goes on."""
        self._loop.remove_reader(self._source)
        self.is_done = True
        self._target.shutdown(socket.SHUT_WR)
        self._pipe.flow_ended()
        return False


def reset_on_close(connection: socket.socket) -> None:
    """Make closing this socket send RST."""
    _set_linger(connection, _RESET)


def close_ordinarily(connection: socket.socket) -> None:
    """Make closing this socket send what is left, and then an end."""
    _set_linger(connection, _ORDINARY)


def _set_linger(connection: socket.socket, value: bytes) -> None:
    if connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, value)
