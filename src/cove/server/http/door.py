"""What every request meets first: it gets an id, which its answer and its log lines carry."""

import secrets

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import Message, Receive, Scope, Send

from cove.core.ids import text_id
from cove.server.presence import Presence

_ASKING = (ScopeType.HTTP, ScopeType.WEBSOCKET)
_UNCOUNTED = "/healthz"
"""Asked by probes, and by clients that look whether there is a server: no use of it yet."""


class Door:
    """An ASGI app around the routes that counts requests, and puts `X-Request-Id` on each answer."""

    def __init__(self, routes: Litestar, presence: Presence) -> None:
        self.routes = routes
        self._presence = presence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] in _ASKING and scope.get("path") != _UNCOUNTED:
            with self._presence.use():
                await self._serve(scope, receive, send)
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.routes(scope, receive, send)
            return
        request_id = text_id("r", secrets.token_bytes(10))
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.routes(scope, receive, _identified(send, request_id))


def _identified(send: Send, request_id: str) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            header = (b"x-request-id", request_id.encode())
            message = {**message, "headers": [*message.get("headers", []), header]}
        await send(message)

    return sender
