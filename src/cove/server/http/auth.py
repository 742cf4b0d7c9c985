"""Who asks: the key in the Authorization header, or the local user at the other end of the Unix socket."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard, Scope

from cove.core.errors import KeyInvalid, TooManyRequests
from cove.server.keys import LOCAL, Keys
from cove.server.parts import Caller
from cove.server.settings import ServerSettings

Connection = ASGIConnection[Any, Any, Any, Any]


def authentication(settings: ServerSettings) -> Guard:
    """A guard that lets nobody past unknown; it stands before everything under /v1.

    When too much is being answered, only the machine's own users come in: somebody must be able to clear up.
    """

    async def authenticate(connection: Connection, _: BaseRouteHandler) -> None:
        keys: Keys = connection.app.state.key_chain
        header = connection.headers.get("authorization", "")
        if not header and _uid(connection) in settings.trusted_uids:
            connection.scope["state"]["caller"] = Caller(tenant=LOCAL, is_operator=True)
            return
        if _beside(connection, settings) > settings.most_requests:
            raise TooManyRequests(limit=settings.most_requests)
        if not header:
            raise KeyInvalid(problem="missing")
        connection.scope["state"]["caller"] = await keys.authenticate(_bearer(header))

    return authenticate


def _beside(connection: Connection, settings: ServerSettings) -> int:
    """How many of its kind are answered now, itself among them: requests, or open WebSockets."""
    presence = settings.presence
    is_socket = connection.scope["type"] == ScopeType.WEBSOCKET
    return presence.sockets if is_socket else presence.in_flight - presence.sockets


async def check_still_let_in(connection: Connection) -> None:
    """Whether a WebSocket's key is still good; raises KeyInvalid once it is not."""
    header = connection.headers.get("authorization", "")
    if header:
        keys: Keys = connection.app.state.key_chain
        await keys.authenticate(_bearer(header))


def caller_of(scope: Scope) -> Caller:
    """The one whom the guard let past; a dependency of the routes."""
    caller: Caller = scope["state"]["caller"]
    return caller


def _bearer(header: str) -> str:
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyInvalid(problem="not sent as `Authorization: Bearer KEY`")
    return secret.strip()


def _uid(connection: Connection) -> int | None:
    """The uid that the server's socket protocol put in the place of an address; a TCP client cannot forge it."""
    host = connection.client.host if connection.client else ""
    return int(host[4:]) if host.startswith("uid:") and host[4:].isdecimal() else None
