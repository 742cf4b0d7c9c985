"""What the use cases work with: handed to each of them whole, so that every effect comes in through here."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from cove.core.errors import SessionNotFound
from cove.core.ids import SessionId, TenantId
from cove.core.image import Images
from cove.core.ports import Driver
from cove.core.session import ENDED, Session
from cove.core.tool import Tool
from cove.server.activity import Activity
from cove.server.disk import Reserve
from cove.server.settings import ServerSettings
from cove.server.store import sessions as rows
from cove.server.store.database import Database, Work
from cove.server.tasks import Tasks

Listener = Callable[[Session], None]
Checkpoint = Callable[[str], None]
"""Called with the name of each durable step once it is done; tests kill the server there."""


def no_checkpoint(_: str) -> None:
    """What production does at a checkpoint."""


@dataclass(frozen=True)
class Caller:
    """Who asks. An operator reaches the sessions of every tenant; what it makes is its own tenant's."""

    tenant: TenantId
    is_operator: bool


@dataclass(frozen=True)
class Parts:
    """One running server's parts."""

    settings: ServerSettings
    database: Database
    driver: Driver
    images: Images
    tools: tuple[Tool, ...]
    tasks: Tasks
    activity: Activity
    reserve: Reserve
    clock: Callable[[], float]
    checkpoint: Checkpoint = no_checkpoint
    _locks: WeakValueDictionary[SessionId, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _living: dict[SessionId, Session] = field(default_factory=dict)
    _listeners: list[Listener] = field(default_factory=list)

    def lock(self, session_id: SessionId) -> asyncio.Lock:
        """The lock under which this session's moves are made; calls do not take it."""
        return self._locks.setdefault(session_id, asyncio.Lock())

    async def write(self, work: Work[Session]) -> Session:
        """Write one session's row and remember it. Within `tasks`, so that no cancellation comes between the two."""
        session = await self.database.write(work)
        self.remember(session)
        return session

    def remember(self, session: Session) -> None:
        """Keep a living session's row as it stands in the store, of which this server is the only writer, and tell."""
        if session.state in ENDED:
            self._living.pop(session.id, None)
        else:
            self._living[session.id] = session
        for listener in self._listeners:
            listener(session)

    def listen(self, listener: Listener) -> None:
        """From now on call `listener` with a session after each change of its row; it must not wait for anything."""
        self._listeners.append(listener)

    def living(self) -> tuple[Session, ...]:
        """Every session that has not ended, from memory: to look once a second costs the store nothing."""
        return tuple(self._living.values())

    async def load(self, session_id: SessionId) -> Session:
        """The session's row; raises SessionNotFound."""
        if session := self._living.get(session_id):
            return session
        session = await self.database.read(lambda connection: rows.find(connection, session_id))
        if session is None:
            raise SessionNotFound(session_id=session_id)
        return session

    async def load_for(self, caller: Caller, session_id: SessionId) -> Session:
        """The same, for somebody: another tenant's session does not exist to them."""
        session = await self.load(session_id)
        if not caller.is_operator and session.tenant != caller.tenant:
            raise SessionNotFound(session_id=session_id)
        return session
