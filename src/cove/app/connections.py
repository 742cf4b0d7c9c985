"""Clients' connections: how many there are, and whom the server waits for no longer."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from cove.app.patience import Bounds
from cove.core.api import ErrorAnswer, ErrorBody
from cove.core.errors import CoveError, TooManyConnections
from cove.server.http.failures import headers_of, status_of

_SWEEP_SECONDS = 1.0
_LAST_SECONDS = 2.0
"""For one who is turned away to read why."""
_MOST_TURNED_AWAY = 256
"""Who are told so at the same time; the others are hung up on."""
log = structlog.get_logger("cove.server")


class Config(uvicorn.Config):
    """uvicorn's, with what all of its connections share."""

    connections: "Connections"


class Watched(Protocol):
    """A connection that is waited for."""

    def look(self, now: float) -> None:
        """Once in a while: break it off if it takes too long."""


class Connections:
    """All of a server's. They are looked at once a second while there are any."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._open: set[Watched] = set()
        self._turned_away, self._is_full = 0, False
        self._sweep_comes = False

    def enter(self, connection: Watched, transport: asyncio.Transport, *, is_own: bool) -> bool:
        """Note one; if there are too many, it is turned away, and is none any more: false."""
        most = self.bounds.most + (self.bounds.reserved if is_own else 0)
        if len(self._open) >= most:
            self._turn_away(transport, TooManyConnections(limit=most))
            return False
        self._open.add(connection)
        self._sweep_later()
        return True

    def leave(self, connection: Watched, successor: Watched | None = None) -> None:
        """Forget it, or go on with what it has become."""
        self._open.discard(connection)
        if successor is not None:
            self._open.add(successor)

    def _sweep_later(self) -> None:
        if not self._sweep_comes:
            loop = asyncio.get_running_loop()
            loop.call_later(min(_SWEEP_SECONDS, self.bounds.head / 2), self._sweep)
            self._sweep_comes = True

    def _sweep(self) -> None:
        self._sweep_comes = False
        now = asyncio.get_running_loop().time()
        for connection in tuple(self._open):
            connection.look(now)
        if len(self._open) < self.bounds.most:
            self._is_full = False
        if self._open:
            self._sweep_later()

    def _turn_away(self, transport: asyncio.Transport, error: CoveError) -> None:
        if not self._is_full:  # once, and not for each of thousands
            self._is_full = True
            log.warning("connections are turned away", open=len(self._open))
        if self._turned_away >= _MOST_TURNED_AWAY:
            transport.abort()
            return
        self._turned_away += 1
        transport.set_protocol(_TurnedAway(self._gone))
        transport.write(refusal(error))
        if transport.can_write_eof():
            transport.write_eof()
        asyncio.get_running_loop().call_later(_LAST_SECONDS, transport.close)

    def _gone(self) -> None:
        self._turned_away -= 1


class _TurnedAway(asyncio.Protocol):
    """What it says is taken, and not heard: closing before that would reset the answer, too."""

    def __init__(self, gone: Callable[[], None]) -> None:
        self._gone = gone

    def connection_lost(self, _: Exception | None) -> None:
        """Whoever was turned away has left."""
        self._gone()


def log_slow(error: CoveError, what: str) -> None:
    """Note whom the server waits for no longer, as any other refusal."""
    log.info("refused", dialect="native", asks=what, error=error.code, status=status_of(error))


def refusal(error: CoveError) -> bytes:
    """The whole answer to whom no route was found for, in the shape of every other refusal; the connection ends."""
    status = status_of(error)
    body = ErrorBody(code=error.code, message=str(error), retryable=error.retryable, facts=error.facts)
    data = msgspec.json.encode(ErrorAnswer(error=body, request_id=""))
    fields = {"Content-Type": "application/json", "Content-Length": len(data), **headers_of(error, status)}
    head = "".join(f"{name}: {value}\r\n" for name, value in (fields | {"Connection": "close"}).items())
    return STATUS_LINE[status] + f"{head}\r\n".encode() + data
