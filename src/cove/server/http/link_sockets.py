"""Sessions' own WebSockets, plain ASGI: who is let in, and what a lost connection's client finds on its next one.

Whoever connects shows the session's token in a header. The official clients connect again when a connection is lost,
and believe that what they had subscribed to goes on: so it does, if they come soon.
"""

import asyncio
from typing import Any

import structlog
from litestar.types import Receive, Send

from cove.compat.link.answers import AT_THE_DOOR, refusal
from cove.compat.link.dialect import TOKEN_HEADER
from cove.compat.operations import Service
from cove.core.errors import CoveError, Exhausted
from cove.core.ids import SessionId
from cove.server.http.conversation import MOST_STREAMS, Conversation, Subscription

MOST_OF_A_SESSION = 64
KEPT_SECONDS = 60.0
"""How long a lost connection's subscriptions wait for the next one of their session."""
log = structlog.get_logger("cove.server")


class LinkSockets:
    """All of a server's."""

    def __init__(self) -> None:
        self._open: dict[SessionId, list[Conversation]] = {}
        self._lost: dict[SessionId, list[Subscription]] = {}

    async def serve(self, service: Service, session_id: SessionId, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one connection until either side ends it."""
        await receive()
        token = dict(scope["headers"]).get(TOKEN_HEADER.encode(), b"").decode("latin-1")
        try:
            caller = await service.holder(session_id, token, is_socket=True)
            if len(self._open.get(session_id, ())) >= MOST_OF_A_SESSION:
                raise Exhausted(reason=f"{MOST_OF_A_SESSION} WebSockets of this session are open; close one")
        except CoveError as error:
            await _turn_away(error, scope["state"]["request_id"], send)
            return
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        conversation = Conversation(service, caller, session_id, token, send)
        beside = self._open.setdefault(session_id, [])
        beside.append(conversation)
        try:
            is_lost = await conversation.run(receive, self._lost.pop(session_id, []))
        finally:
            later = beside[beside.index(conversation) + 1 :]
            beside.remove(conversation)
            if not beside:
                del self._open[session_id]
        if is_lost and conversation.subscriptions:
            self._hand_over(session_id, list(conversation.subscriptions.values()), later)

    def _hand_over(self, session_id: SessionId, subscriptions: list[Subscription], later: list[Conversation]) -> None:
        """To a connection that was made since and watches nothing: its client may have known of the loss before us."""
        heir = next((each for each in later if each.is_idle), None)
        if heir is not None:
            heir.resume(subscriptions)
        else:
            self._keep(session_id, subscriptions)

    def _keep(self, session_id: SessionId, subscriptions: list[Subscription]) -> None:
        kept = self._lost.setdefault(session_id, [])
        kept += subscriptions[: MOST_STREAMS - len(kept)]
        asyncio.get_running_loop().call_later(KEPT_SECONDS, self._forget, session_id, kept)

    def _forget(self, session_id: SessionId, kept: list[Subscription]) -> None:
        if self._lost.get(session_id) is kept:
            del self._lost[session_id]


async def _turn_away(error: CoveError, request_id: str, send: Send) -> None:
    told = refusal(error, request_id, AT_THE_DOOR)
    log.info("refused", dialect="link", asks="websocket", error=error.code, status=told.status)
    given = {"content-type": "application/json", "content-length": str(len(told.body)), **told.headers}
    headers: Any = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send({"type": "websocket.http.response.start", "status": told.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": told.body, "more_body": False})
