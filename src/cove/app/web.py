"""Runs an ASGI application behind listening sockets until a signal says stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import structlog
import uvicorn

from cove.app.connections import Config, Connections, refusal
from cove.app.descriptors import open_more, requests_for
from cove.app.memory import give_back_memory
from cove.app.patience import Bounds
from cove.app.protocols import PeerProtocol, PeerSocketProtocol
from cove.app.threads import filled_pool
from cove.core.errors import CoveError, InvalidInput
from cove.gateway import Contexts, SecureDoor

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
_log = structlog.get_logger("cove.app")
_GRACE_SECONDS = 3.0
"""How long requests in flight may take to end once the server was told to stop; then their connections are cut.

A command that runs longer runs on, and its client gets the result by asking the next server for the same call.
"""
_LARGEST_MESSAGE = 1024 * 1024
"""Bytes of one message on a WebSocket: more than anybody types or pastes at once."""
_PONG_SECONDS = 60.0
"""For a client on a WebSocket to show that it is there; one that is busy writing to a slow terminal takes a while."""
_LAST_SECONDS = 15
_BOUNDS = Bounds()


def _never() -> bool:
    return False


def run(
    application: Application,
    doors: list[socket.socket],
    *,
    secured: list[socket.socket],
    contexts: Contexts | None,
    on_started: Callable[[], None],
    is_over: Callable[[], bool] = _never,
) -> None:
    """Serve until SIGTERM, SIGINT or `is_over()`, asked ten times a second; raises what kept it from starting.

    Behind the `secured` doors TLS is spoken, with what `contexts` has.
    """
    give_back_memory()
    edge = _Edge(application)
    config = http_config(edge, Bounds(most=requests_for(open_more())))
    try:
        server = _Server(config, on_started, is_over)
        if contexts is not None:
            server.secure(secured, contexts)
        server.run(sockets=doors)
    except SystemExit:
        if edge.failure is None:
            raise
        raise _reason(edge.failure) from None


def http_config(application: Application, bounds: Bounds = _BOUNDS) -> Config:
    """How HTTP is spoken. No proxy is believed: a header must not say who the client is, least of all `uid:0`."""
    config = Config(
        application,
        http=PeerProtocol,
        ws=PeerSocketProtocol,
        ws_max_size=_LARGEST_MESSAGE,
        ws_ping_timeout=_PONG_SECONDS,
        ws_per_message_deflate=False,
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_SECONDS,
    )
    config.connections = Connections(bounds)
    return config


class _Server(uvicorn.Server):
    """uvicorn, but a signal is an ordinary end of the process, and it tells when it answers."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None], is_over: Callable[[], bool]) -> None:
        super().__init__(config)
        self._on_started, self._is_over = on_started, is_over
        self._secured: list[socket.socket] = []
        self._contexts: Contexts | None = None

    def secure(self, doors: list[socket.socket], contexts: Contexts) -> None:
        """Speak TLS behind these doors, too."""
        self._secured, self._contexts = doors, contexts

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_default_executor(filled_pool())
        await super().startup(sockets)
        if self._contexts is not None:
            self.servers += [self._secure_door(door, self._contexts) for door in self._secured]
        self._on_started()

    def _secure_door(self, door: socket.socket, contexts: Contexts) -> Any:
        def protocol() -> PeerProtocol:
            return PeerProtocol(self.config, self.server_state, self.lifespan.state)

        secured = SecureDoor(door, protocol, contexts, _speaks_tls())
        secured.start()
        return secured

    async def on_tick(self, counter: int) -> bool:
        """From here to where the doors are closed nothing else runs: no request comes between."""
        return await super().on_tick(counter) or self._is_over()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cut = asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._cut)
        await super().shutdown(sockets)
        cut.cancel()

    def _cut(self) -> None:
        """Cut every connection: to its client that is a server that died, and not an answer that says so."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for request in list(self.server_state.tasks):
            request.cancel()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _speaks_tls() -> bytes:
    """The answer to a request in plain HTTP where TLS is spoken."""
    remedy = "this port speaks TLS: write https:// in place of http://"
    return refusal(InvalidInput(name="scheme", value="http", remedy=remedy))


class _Edge:
    """The application, less what uvicorn makes of its ends: a log line of a failed start, a 500 of a cut request."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self.failure: BaseException | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        with contextlib.suppress(asyncio.CancelledError):  # its connection was cut: nobody is left to answer
            await self._application(scope, receive, send)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            await self._application(scope, receive, _without_traceback(send))
        except BaseException as error:
            self.failure = error
            raise


def _reason(failure: BaseException) -> CoveError:
    """What to tell of a failed start: the refusal itself, or where the traceback of a defect is."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    if isinstance(failure, CoveError):
        return failure
    _log.error("the server could not start", exc_info=failure)
    said = str(failure).partition("\n")[0] or type(failure).__name__
    return CoveError(reason=f"the server could not start: {said}; `cove logs` has more")


def _without_traceback(send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "lifespan.startup.failed":
            message = {**message, "message": ""}
        await send(message)

    return sender
