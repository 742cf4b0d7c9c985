"""What every request meets first: it gets an id, which its answer and its log lines carry."""

import secrets
from typing import Any

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import Message, Receive, Scope, Send

from cove.compat.link import session_of_socket
from cove.core.ids import text_id
from cove.server.http.bodies import Bodies
from cove.server.http.departures import noting_who_leaves
from cove.server.http.dialects import dialect_of, is_near, serve
from cove.server.http.sockets import explaining
from cove.server.settings import ServerSettings

_SOCKET = ScopeType.WEBSOCKET
_ASKING = (ScopeType.HTTP, _SOCKET)
_STARTS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_UNCOUNTED = "/healthz"
"""Asked by probes, and by clients that look whether there is a server: no use of it yet."""


class Door:
    """An ASGI app around the routes that counts requests, and puts `X-Request-Id` on each answer."""

    def __init__(self, routes: Litestar, settings: ServerSettings) -> None:
        self.routes = routes
        self._presence = settings.presence
        self._bodies = Bodies(settings.most_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] in _ASKING and scope.get("path") != _UNCOUNTED:
            presence = self._presence
            with presence.use_socket() if scope["type"] == _SOCKET else presence.use():
                await self._serve(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in _ASKING:
            await self.routes(scope, receive, send)
            return
        request_id = text_id("r", secrets.token_bytes(10))
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            sender = _identified(send, request_id)
            if scope["type"] == _SOCKET and (session_id := session_of_socket(scope["path"])) is not None:
                state = self.routes.state
                await state["link_sockets"].serve(state["service"], session_id, scope, receive, sender)
                return
            if dialect := dialect_of(scope):
                service = self.routes.state["service" if is_near(scope) else "distant_service"]
                await serve(dialect, service, self._bodies, scope, receive, sender)
                return
            if scope["type"] == _SOCKET:
                await self.routes(scope, receive, explaining(scope, sender))
            else:
                await self.routes(scope, noting_who_leaves(scope, receive), sender)


def _identified(send: Send, request_id: str) -> Send:
    async def sender(message: Message) -> None:
        starting: Any = message
        if message["type"] in _STARTS:
            header = (b"x-request-id", request_id.encode())
            starting = {**starting, "headers": [*starting.get("headers", []), header]}
        await send(starting)

    return sender
