"""Carries bytes between two sockets: with back pressure, half-closes and resets, as if there were one wire."""

import asyncio
import socket
import struct
from collections.abc import Callable
from functools import partial
from typing import cast

_RESET, _ORDINARY = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
_HIGH_WATER = 128 * 1024
"""Bytes that may wait for a slow reader; then the other side is not read."""

Gate = Callable[[bytes], bytes | None]
"""Takes what the session sends and gives what may go on now (b"" while it cannot tell); None refuses the connection."""


class Pipe:
    """One relayed connection: `inner` leads to the session, `outer` to the world. Both are closed at the end."""

    def __init__(self, inner: socket.socket, outer: socket.socket, gate: Gate | None = None) -> None:
        self.is_refused = self.is_cut = False
        self._inner, self._outer = _Side(self, inner, gate), _Side(self, outer, None)
        self._inner.peer, self._outer.peer = self._outer, self._inner
        self._ended = asyncio.get_running_loop().create_future()

    @property
    def rx_bytes(self) -> int:
        """Bytes that the session received."""
        return self._outer.bytes_read

    @property
    def tx_bytes(self) -> int:
        """Bytes that the session sent."""
        return self._inner.bytes_read

    async def run(self) -> None:
        """Carry until both sides are done, or one breaks; breaks both off when cancelled."""
        loop = asyncio.get_running_loop()
        try:
            for side in (self._outer, self._inner):
                reset_on_close(side.socket)  # the loop closes it when we are cancelled in here
                await loop.connect_accepted_socket(lambda side=side: side, side.socket)  # type: ignore[misc] # its own default
            for side in (self._outer, self._inner):  # both before either may break the other
                _set_linger(side.socket, _ORDINARY)
            self._outer.start()
            self._inner.start()
            await self._ended
        finally:
            self.reset()

    def reset(self) -> None:
        """Break both sides off; what is closed already stays so."""
        self._inner.reset()
        self._outer.reset()

    def refuse(self) -> None:
        """The gate said no."""
        self.is_refused = True
        self.reset()

    def cut(self) -> None:
        """The policy changed its mind."""
        self.is_cut = True
        self.reset()

    def side_ended(self) -> None:
        """A side has gone: when both have, the pipe is done."""
        if self._inner.is_gone and self._outer.is_gone and not self._ended.done():
            self._ended.set_result(None)


class _Side(asyncio.Protocol):
    """One of the two sockets; what it reads, its peer writes.

    Its peer may not have a transport yet when its own program speaks, ends or breaks: until `start`, what happens is
    put off. That is one piece of data at most, for the first stops the reading; pausing earlier, in `connection_made`,
    would do nothing under uvloop, which begins to read after it.
    """

    peer: "_Side"

    def __init__(self, pipe: Pipe, connected: socket.socket, gate: Gate | None) -> None:
        self.socket, self.bytes_read, self.is_gone = connected, 0, False
        self._pipe, self._gate = pipe, gate
        self._transport: asyncio.Transport | None = None
        self._put_off: list[Callable[[], None]] | None = []
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The loop has the socket, and may read it before the other side stands."""
        self._transport = cast("asyncio.Transport", transport)  # both loops give one, uvloop's is no subclass
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)

    def start(self) -> None:
        """Both sides stand: from now on, what comes is carried, after what has come already."""
        put_off, self._put_off = self._put_off or [], None
        self._resume()  # before the rest, which may find the peer slow and pause us
        for act in put_off:
            act()

    def data_received(self, data: bytes) -> None:
        """Hand on what the gate lets through."""
        if self._put_off is None:
            self._carry(data)
        else:
            self._put_off.append(partial(self._carry, data))
            self._pause()

    def eof_received(self) -> bool:
        """Tell the peer; the other direction goes on until it ends, too."""
        if self._put_off is None:
            self._end()
        else:
            self._put_off.append(self._end)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """A side that broke breaks its peer; one that closed lets its peer finish writing."""
        self.is_gone = True
        if self._put_off is None:
            self._lose(exc)
        else:
            self._put_off.append(partial(self._lose, exc))

    def pause_writing(self) -> None:
        """We are slow: the peer is not read for a while."""
        self.peer._pause()

    def resume_writing(self) -> None:
        """We have caught up."""
        self.peer._resume()

    def reset(self) -> None:
        """Close with RST, so that the program at this end sees a broken connection and not an end."""
        if self.is_gone:
            return
        reset_on_close(self.socket)
        if self._transport is None:  # it was never the loop's
            self.is_gone = True
            self.socket.close()
        else:
            self._transport.abort()

    def _carry(self, data: bytes) -> None:
        self.bytes_read += len(data)
        passed = self._gate(data) if self._gate else data
        if passed is None:
            self._pipe.refuse()
        elif passed:
            self.peer._write(passed)

    def _end(self) -> None:
        self._has_ended = True
        self.peer._end_writing()

    def _lose(self, exc: Exception | None) -> None:
        if exc is not None:
            self.peer.reset()
        elif self.peer._transport:
            self.peer._transport.close()
        self._pipe.side_ended()

    def _pause(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport and not self._transport.is_closing() and not self._has_ended:
            self._transport.resume_reading()

    def _write(self, data: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)

    def _end_writing(self) -> None:
        """Half-close; when both halves are closed, close."""
        if self._transport is None or self.is_gone:
            return
        if self._has_ended:
            self._transport.close()
        elif not self._transport.is_closing():
            self._transport.write_eof()


def reset_on_close(connection: socket.socket) -> None:
    """Make closing this socket send RST."""
    _set_linger(connection, _RESET)


def _set_linger(connection: socket.socket, value: bytes) -> None:
    if connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, value)
