"""One TCP connection as the gateway reads and writes it: what has come in, heads of messages, and back pressure."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from typing import cast

from cove.gateway import head
from cove.gateway.head import HttpError

_MOST_HELD = 64 * 1024
"""Bytes that may wait to be taken before the other end is not read any more."""

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER without time: closing sends RST."""


class Broken(Exception):  # noqa: N818 - named by what happened
    """The connection ended before it should have."""


class Wire(asyncio.Protocol):
    """A connection. Reading and writing are awaited by one task each, and a task that waits is told of the end."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.has_ended = False
        self.is_lost = False
        self.is_broken = False
        self.is_tunnel = False
        self.is_secure = False
        self._held = b""
        self._is_slow = False
        self._is_paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport; whatever it cannot send at once means that the other end is slow."""
        self.transport = cast("asyncio.Transport", transport)  # both loops give one, uvloop's is no subclass
        self.is_secure = transport.get_extra_info("sslcontext") is not None
        self.transport.set_write_buffer_limits(high=_MOST_HELD if self.is_secure else 0, low=0)  # 0 stops TLS for ever
        self._socket: socket.socket = transport.get_extra_info("socket")
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def data_received(self, data: bytes) -> None:
        """Keep it until it is taken."""
        self._held = self._held + data if self._held else data
        if len(self._held) > _MOST_HELD:
            self._pause(True)
        _wake(self._reader)

    def eof_received(self) -> bool:
        """The other end sends no more. In a tunnel we may still send; elsewhere it has hung up."""
        self.has_ended = True
        _wake(self._reader)
        return self.is_tunnel and not self.is_secure

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone in both directions."""
        self.is_broken = error is not None
        self.has_ended = self.is_lost = True
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        """The other end is slow."""
        self._is_slow = True

    def resume_writing(self) -> None:
        """It has taken everything."""
        self._is_slow = False
        _wake(self._writer)

    # What the gateway calls.

    @property
    def is_idle(self) -> bool:
        """Whether it stands, and nothing has come that nobody took."""
        return not self.has_ended and not self._held

    def watch(self) -> None:
        """Notice its end, and what comes unasked, also while nobody waits for anything."""
        self._pause(False)

    async def head(self) -> bytes | None:
        """The next message's head with its empty line; None if the connection ended before its first byte.

        Raises HttpError for one that is too long, Broken for one cut short.
        """
        start = 0
        while True:
            end = self._held.find(b"\r\n\r\n", max(0, start - 3))
            if end >= 0:
                return self._cut(end + 4)
            start = len(self._held)
            if start > head.MOST_BYTES:
                raise HttpError(f"its head is longer than {head.MOST_BYTES} bytes")
            if not await self._more():
                if start:
                    raise Broken
                return None

    async def some(self) -> bytes:
        """What has come, as soon as there is any; nothing at the end."""
        while not self._held:
            if not await self._more():
                return b""
        return self.held()

    def held(self) -> bytes:
        """What has come already, if anything."""
        return self._cut(len(self._held))

    def put_back(self, data: bytes) -> None:
        """Have `data` come again, before anything else."""
        self._held = data + self._held

    async def send(self, *parts: bytes) -> None:
        """Send, and wait while the other end is slow; raises Broken once it is gone."""
        if self.is_lost or self.transport.is_closing():
            raise Broken
        if len(parts) > 1:
            self.transport.writelines(parts)
        else:
            self.transport.write(parts[0])
        while self._is_slow:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer
            if self.is_lost:
                raise Broken

    def fileno(self) -> int:
        """The descriptor; raises Broken if it is closed."""
        if self.is_lost or self.transport.is_closing():
            raise Broken
        return self._socket.fileno()

    @contextlib.contextmanager
    def lent(self) -> Iterator[None]:
        """Somebody else reads meanwhile; what came before is held, and whoever calls has taken it."""
        self._pause(True)
        try:
            yield
        finally:
            self._pause(False)

    def end(self) -> None:
        """Send no more, and still take what comes; TLS has no half-closed connections, so there it is over."""
        if self.transport.is_closing():
            return
        if self.is_secure:
            self.transport.close()
        else:
            self.transport.write_eof()

    def abort(self) -> None:
        """Break the connection off with a reset, so that the other end never takes what it got for the whole."""
        if not self.is_lost and not self.transport.is_closing():
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if not self.is_lost:
            self.transport.abort()

    def close(self) -> None:
        """End the connection once everything is sent."""
        self.transport.close()

    async def _more(self) -> bool:
        """Wait until more has come; false at the end."""
        before = len(self._held)
        self._pause(False)
        while len(self._held) == before:
            if self.has_ended:
                return False
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return True

    def _cut(self, end: int) -> bytes:
        taken, self._held = self._held[:end], self._held[end:]
        return taken

    def _pause(self, is_paused: bool) -> None:
        if is_paused is self._is_paused or self.transport.is_closing():
            return
        self._is_paused = is_paused
        (self.transport.pause_reading if is_paused else self.transport.resume_reading)()


def _wake(waiter: asyncio.Future[None] | None) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)
