"""What a caller can do with sessions, but for calling tools: create, look, label, pause, resume, delete."""

import asyncio
import base64
import secrets
from typing import Any

import msgspec

from cove.core.api import CreateSession
from cove.core.errors import InvalidInput, SessionNotFound
from cove.core.ids import ImageId, SessionId, text_id
from cove.core.image import DEFAULT_IMAGE
from cove.core.labels import check_labels
from cove.core.lifetimes import DEFAULT_IDLE, DEFAULT_LIFETIME, check_seconds
from cove.core.limits import limits_from
from cove.core.network import check_policy
from cove.core.results import Metrics
from cove.core.session import ENDED, EndReason, OnIdle, Session, State
from cove.server.creation import Creation
from cove.server.moves import Moves
from cove.server.parts import Caller, Parts
from cove.server.readiness import settled
from cove.server.store import sessions as rows

LONGEST_CREATE_KEY = 255
LONGEST_PAGE = 100


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; `next_cursor` is empty on the last one, `total` counts all pages."""

    sessions: list[Session]
    next_cursor: str
    total: int


class Sandboxes:
    """The use cases. Each raises SessionNotFound for what the caller must not see."""

    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves
        self._creation = Creation(parts, moves)

    async def create(self, caller: Caller, wish: CreateSession, create_key: str | None = None) -> Session:
        """Make a session, or give the one that this `create_key` made before, or, with `reuse`, one that is there."""
        session, reuse = self._wished(caller, wish, create_key), None
        if wish.reuse:
            reuse = rows.Wanted(tenant=caller.tenant, labels=check_labels(wish.labels), image_id=wish.image_id)
        return await self._parts.tasks.finish(self._creation.create(session, reuse))

    def _wished(self, caller: Caller, wish: CreateSession, create_key: str | None) -> Session:
        image_id = DEFAULT_IMAGE if wish.image_id is None else ImageId(wish.image_id)
        self._parts.images.find(image_id)
        return Session(
            id=SessionId(text_id("s", secrets.token_bytes(10))),
            tenant=caller.tenant,
            image_id=image_id,
            state=State.CREATING,
            version=1,
            labels=check_labels(wish.labels) if wish.labels else {},
            limits=limits_from(wish.limits),
            idle_timeout=_seconds("idle_timeout", wish.idle_timeout, DEFAULT_IDLE),
            max_lifetime=_seconds("max_lifetime", wish.max_lifetime, DEFAULT_LIFETIME),
            created_at=self._parts.clock(),
            on_idle=wish.on_idle or OnIdle.PAUSE,
            network=self._parts.settings.network if wish.network is None else check_policy(wish.network),
            slot=-1,  # the store gives one
            create_key=_check_create_key(create_key),
        )

    async def get(self, caller: Caller, session_id: SessionId) -> Session:
        """The session; an ended one too, with the reason of its end."""
        return await self._parts.load_for(caller, session_id)

    async def list(self, caller: Caller, wanted: rows.Wanted, *, limit: int = 10, cursor: str = "") -> Page:
        """A page of the caller's sessions (of everybody's, for an operator), newest first."""
        if not 1 <= limit <= LONGEST_PAGE:
            raise InvalidInput(name="limit", value=limit, remedy=f"give 1 to {LONGEST_PAGE}")
        if not caller.is_operator:
            wanted = msgspec.structs.replace(wanted, tenant=caller.tenant)
        after = _read_cursor(cursor)
        found, total = await self._parts.database.read(
            lambda connection: rows.page(connection, wanted, limit + 1, after)
        )
        page = found[:limit]
        return Page(sessions=page, next_cursor=_cursor(page[-1]) if len(found) > limit else "", total=total)

    async def set_labels(self, caller: Caller, session_id: SessionId, labels: dict[str, Any]) -> Session:
        """Replace all labels; raises InvalidLabels."""
        checked = check_labels(labels)
        await self._living(caller, session_id)
        return await self._parts.tasks.finish(self._set_labels(caller, session_id, checked))

    async def _set_labels(self, caller: Caller, session_id: SessionId, labels: dict[str, str]) -> Session:
        async with self._parts.lock(session_id):
            session = await self._living(caller, session_id)
            return await self._parts.write(lambda connection: rows.change(connection, session, labels=labels))

    async def pause(
        self, caller: Caller, session_id: SessionId, *, wait: bool = True, patience: float = 0.0
    ) -> Session:
        """Freeze the session. Raises WrongState.

        Without `wait`, answer once the intent is durable, and wait no longer than `patience` seconds for the rest.
        """
        await self._living(caller, session_id)
        if wait:
            return await self._parts.tasks.finish(self._moves.pause(session_id))
        begun = _future()
        return await self._parts.tasks.begin(self._moves.pause(session_id, begun), begun, patience)

    async def resume(
        self, caller: Caller, session_id: SessionId, *, wait: bool = True, patience: float = 0.0
    ) -> Session:
        """Let a paused session go on; `wait` as in `pause`. Raises WrongState."""
        await self._living(caller, session_id)
        if wait:
            return await self._parts.tasks.finish(self._moves.resume(session_id))
        begun = _future()
        return await self._parts.tasks.begin(self._moves.resume(session_id, begun), begun, patience)

    async def delete(
        self, caller: Caller, session_id: SessionId, *, wait: bool = True, patience: float = 0.0
    ) -> Session:
        """End the session and remove all of it; deleting what has ended already changes nothing."""
        session = await self._parts.load_for(caller, session_id)
        if session.state in ENDED:
            return session
        if wait:
            return await self._parts.tasks.finish(self._moves.end(session_id, EndReason.DELETED))
        begun = _future()
        return await self._parts.tasks.begin(self._moves.end(session_id, EndReason.DELETED, begun), begun, patience)

    async def keep_alive(self, caller: Caller, session_id: SessionId) -> None:
        """Count as a use; one that is being deleted, or released at this moment, cannot be kept any more."""
        session = await self._living(caller, session_id)
        self._parts.activity.touch(session_id)
        session = await settled(self._parts, session)
        if session.state in ENDED or session.state is State.DELETING:
            raise SessionNotFound(session_id=session_id)

    async def metrics(self, caller: Caller, session_id: SessionId) -> Metrics:
        """What the session uses, measured from outside; looking does not count as a use."""
        await self._living(caller, session_id)
        return await self._parts.driver.metrics(session_id)

    async def _living(self, caller: Caller, session_id: SessionId) -> Session:
        session = await self._parts.load_for(caller, session_id)
        if session.state in ENDED:
            raise SessionNotFound(session_id=session_id)
        return session


def _future() -> asyncio.Future[Session]:
    return asyncio.get_running_loop().create_future()


def _seconds(name: str, value: float | None, default: float) -> float:
    return default if value is None else check_seconds(name, value)


def _check_create_key(key: str | None) -> str | None:
    if key is not None and not 1 <= len(key) <= LONGEST_CREATE_KEY:
        raise InvalidInput(name="Idempotency-Key", value=key[:40], remedy=f"give 1 to {LONGEST_CREATE_KEY} characters")
    return key


def _cursor(session: Session) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode((session.created_at, session.id))).decode()


def _read_cursor(cursor: str) -> tuple[float, str] | None:
    if not cursor:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=tuple[float, str])
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidInput(
            name="cursor", value=cursor[:80], remedy="give the next_cursor of the page before"
        ) from error
