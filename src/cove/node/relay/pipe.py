"""Carries bytes between two sockets: with back pressure, half-closes and resets, as if there were one wire."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import cast

_RESET, _ORDINARY = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
_HIGH_WATER = 128 * 1024
"""Bytes that may wait for a slow reader; then the other side is not read."""

Gate = Callable[[bytes], bytes | None]
"""Takes what the session sends and gives what may go on now (b"" while it cannot tell); None refuses the connection."""


class Pipe:
    """One relayed connection: `inner` leads to the session, `outer` to the world. Both are closed at the end."""

    def __init__(self, inner: socket.socket, outer: socket.socket, gate: Gate | None = None) -> None:
        self.is_refused = False
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
                side.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ORDINARY)
                await loop.connect_accepted_socket(lambda side=side: side, side.socket)  # type: ignore[misc] # its own default
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

    def side_ended(self) -> None:
        """A side has gone: when both have, the pipe is done."""
        if self._inner.is_gone and self._outer.is_gone and not self._ended.done():
            self._ended.set_result(None)


class _Side(asyncio.Protocol):
    """One of the two sockets; what it reads, its peer writes."""

    peer: "_Side"

    def __init__(self, pipe: Pipe, connected: socket.socket, gate: Gate | None) -> None:
        self.socket, self.bytes_read, self.is_gone = connected, 0, False
        self._pipe, self._gate = pipe, gate
        self._transport: asyncio.Transport | None = None
        self._has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the other side before anything is read."""
        self._transport = cast("asyncio.Transport", transport)  # both loops give one, uvloop's is no subclass
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._transport.pause_reading()

    def start(self) -> None:
        """From now on, what comes is carried."""
        self._resume()

    def data_received(self, data: bytes) -> None:
        """Hand on what the gate lets through."""
        self.bytes_read += len(data)
        passed = self._gate(data) if self._gate else data
        if passed is None:
            self._pipe.refuse()
        elif passed and self.peer._transport and not self.peer.is_gone:
            self.peer._transport.write(passed)

    def eof_received(self) -> bool:
        """Tell the peer; the other direction goes on until it ends, too."""
        self._has_ended = True
        self.peer._end_writing()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """A side that broke breaks its peer; one that closed lets its peer finish writing."""
        self.is_gone = True
        if exc is not None:
            self.peer.reset()
        elif self.peer._transport:
            self.peer._transport.close()
        self._pipe.side_ended()

    def pause_writing(self) -> None:
        """We are slow: the peer is not read for a while."""
        if self.peer._transport and not self.peer._transport.is_closing():
            self.peer._transport.pause_reading()

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

    def _resume(self) -> None:
        if self._transport and not self._transport.is_closing() and not self._has_ended:
            self._transport.resume_reading()

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
    if connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
