"""Sessions' own WebSockets, plain ASGI: who is let in, and what a lost connection's client finds on its next one.

Whoever connects shows the session's token in a header. The official clients connect again when a connection is lost,
and believe that what they had subscribed to goes on: so it does, if they come soon, also where the server died.
"""

import asyncio
import secrets
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from litestar.types import Receive, Send

from cove.compat.link.answers import AT_THE_DOOR, refusal
from cove.compat.link.dialect import TOKEN_HEADER
from cove.compat.link.frames import Asked, stream_of
from cove.compat.operations import Service
from cove.core.errors import CoveError, Exhausted, InvalidInput, NotFound
from cove.core.ids import SessionId, text_id
from cove.server.http.conversation import MOST_STREAMS, Conversation, Subscription
from cove.server.store import subscriptions as rows
from cove.server.store.database import Database
from cove.server.tasks import Tasks

MOST_OF_A_SESSION = 64
KEPT_SECONDS = 60.0
"""How long a lost connection's subscriptions wait for the next one of their session; a server's that died, too."""
_PARTING_SECONDS = 5.0
log = structlog.get_logger("cove.server")


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription in the store."""

    asked: Asked
    count: int


class StoredRecord:
    """What the store has of one connection's subscriptions, and of those of lost ones that it goes on with."""

    def __init__(self, database: Database, session_id: SessionId, earlier: list[str]) -> None:
        self.ids = [text_id("w", secrets.token_bytes(10)), *earlier]
        self._database, self._session_id = database, session_id
        self._is_empty = not earlier

    async def write(self, subscriptions: list[Subscription]) -> None:
        """Replace all that; it is on the disk when this returns. Raises DiskFull."""
        if self._is_empty and not subscriptions:
            return
        self._is_empty = not subscriptions
        ids, kept = list(self.ids), [msgspec.to_builtins(_kept(each)) for each in subscriptions]
        await self._database.write(lambda connection: rows.keep(connection, ids, self._session_id, kept))
        self.ids = [ids[0], *(each for each in self.ids if each not in ids)]

    def replace(self, ids: list[str]) -> None:
        """What stands under these ids goes with the next `write`."""
        self.ids += ids
        self._is_empty = False


class _Lost:
    """What lost connections of one session had subscribed to: as many new ones as were lost go on with all of it.

    Nobody knows which client comes back first, and each knows by their paths which changes are meant for it.
    """

    def __init__(self) -> None:
        self.subscriptions: list[Subscription] = []
        self.ids: list[str] = []
        self.heirs = 0
        self.end: asyncio.TimerHandle | None = None


class LinkSockets:
    """All of a server's."""

    def __init__(self, database: Database, tasks: Tasks) -> None:
        self._database, self._tasks = database, tasks
        self._open: dict[SessionId, list[Conversation]] = {}
        self._lost: dict[SessionId, _Lost] = {}

    async def take_up(self) -> None:
        """Go on with what clients of an earlier server had subscribed to: they have lost their connections."""
        for record_id, session_id, kept in await self._database.write(rows.take_up):
            self._keep(session_id, _subscriptions(kept), [record_id])

    async def serve(self, service: Service, session_id: SessionId, scope: Any, receive: Receive, send: Send) -> None:
        """Serve one connection until either side ends it."""
        await receive()
        token = dict(scope["headers"]).get(TOKEN_HEADER.encode(), b"").decode("latin-1")
        try:
            caller = await service.holder(session_id, token, is_socket=True)
            await self._see_off(session_id)
            if len(self._open.get(session_id, ())) >= MOST_OF_A_SESSION:
                raise Exhausted(reason=f"{MOST_OF_A_SESSION} WebSockets of this session are open; close one")
        except CoveError as error:
            await _turn_away(error, scope["state"]["request_id"], send)
            return
        await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
        earlier, ids = self._inherit(session_id)
        record = StoredRecord(self._database, session_id, ids)
        conversation = Conversation(service, caller, session_id, token, send, record)
        beside = self._open.setdefault(session_id, [])
        beside.append(conversation)
        try:
            is_lost = await conversation.run(receive, earlier)
        finally:
            later = beside[beside.index(conversation) + 1 :]
            beside.remove(conversation)
            conversation.gone.set()
            if not beside:
                del self._open[session_id]
        if is_lost and conversation.subscriptions:
            self._hand_over(session_id, list(conversation.subscriptions.values()), record.ids, later)
        else:
            self._tasks.start(record.write([]))

    async def _see_off(self, session_id: SessionId) -> None:
        """Wait for those that end just now: their clients may be those who come."""
        leaving = [each.gone.wait() for each in self._open.get(session_id, ()) if each.is_leaving]
        with suppress(TimeoutError):
            async with asyncio.timeout(_PARTING_SECONDS):
                await asyncio.gather(*leaving)

    def _inherit(self, session_id: SessionId) -> tuple[list[Subscription], list[str]]:
        """What a new connection goes on with, and the records that it replaces: the last heir does."""
        if (lost := self._lost.get(session_id)) is None:
            return [], []
        lost.heirs -= 1
        if lost.heirs:
            return lost.subscriptions, []
        self._forget(session_id)
        return lost.subscriptions, lost.ids

    def _hand_over(
        self, session_id: SessionId, subscriptions: list[Subscription], ids: list[str], later: list[Conversation]
    ) -> None:
        """To a connection that was made since and watches nothing: its client may have known of the loss before us."""
        heir = next((each for each in later if each.is_idle), None)
        if heir is not None:
            heir.record.replace(ids)
            heir.resume(subscriptions)
        else:
            self._keep(session_id, subscriptions, ids)

    def _keep(self, session_id: SessionId, subscriptions: list[Subscription], ids: list[str]) -> None:
        lost = self._lost.setdefault(session_id, _Lost())
        known = {each.key for each in lost.subscriptions}
        new = [each for each in subscriptions if each.key not in known]
        lost.subscriptions += new[: MOST_STREAMS - len(known)]
        lost.ids += ids
        lost.heirs = min(lost.heirs + 1, MOST_OF_A_SESSION)
        if lost.end is not None:
            lost.end.cancel()
        lost.end = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._give_up, session_id)

    def _give_up(self, session_id: SessionId) -> None:
        ids = self._forget(session_id).ids
        self._tasks.start(self._database.write(lambda connection: rows.keep(connection, ids, session_id, [])))

    def _forget(self, session_id: SessionId) -> _Lost:
        lost = self._lost.pop(session_id)
        if lost.end is not None:
            lost.end.cancel()
        return lost


def _kept(subscription: Subscription) -> _Kept:
    """What is needed of it; of what a client sent, no more than was understood."""
    params = msgspec.to_builtins(subscription.request)
    return _Kept(asked=msgspec.structs.replace(subscription.asked, params=params), count=subscription.count)


def _subscriptions(kept: rows.Kept) -> list[Subscription]:
    """As they were; those that this version knows."""
    found = []
    for one in msgspec.convert(kept, list[_Kept]):
        with suppress(NotFound, InvalidInput):
            found.append(Subscription(one.asked, *stream_of(one.asked), one.count))
    return found


async def _turn_away(error: CoveError, request_id: str, send: Send) -> None:
    told = refusal(error, request_id, AT_THE_DOOR)
    log.info("refused", dialect="link", asks="websocket", error=error.code, status=told.status)
    given = {"content-type": "application/json", "content-length": str(len(told.body)), **told.headers}
    headers: Any = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send({"type": "websocket.http.response.start", "status": told.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": told.body, "more_body": False})
