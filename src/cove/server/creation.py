"""How a session comes to be: once under its create key, or found by its labels, or made, if there is room."""

from sqlalchemy import Connection

from cove.core.errors import CreateKeyReused
from cove.core.ids import SessionId
from cove.core.session import ENDED, Session, State
from cove.server.capacity import Capacity
from cove.server.moves import Moves
from cove.server.parts import Parts
from cove.server.store import sessions as rows

_FIXED = ("image_id", "limits", "idle_timeout", "max_lifetime", "on_idle")
"""What a session keeps from its creation on, by which a create key's second use is held against the first."""


class Creation:
    """Looks and inserts in one transaction, so that whoever asks at the same time gets the same session."""

    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves
        self._capacity = Capacity(parts)
        self._making: set[SessionId] = set()  # grows in the store's thread only, so that each sees those before it

    async def create(self, wished: Session, reuse: rows.Wanted | None = None) -> Session:
        """The session as wished, RUNNING; or that of its create key, or the oldest living one that is as `reuse` says.

        One that is still being made is waited for; where that fails, this tries itself. Raises CreateKeyReused,
        ImageNotFound, QuotaExceeded, MachineFull, and what the driver raises.
        """
        image = self._parts.images.find(wished.image_id)
        while True:
            async with self._parts.lock(wished.id):
                try:
                    row = await self._parts.database.write(lambda connection: self._enter(connection, wished, reuse))
                    if row.id == wished.id:
                        return await self._moves.make(row, image)
                finally:
                    self._making.discard(wished.id)
            if settled := await self._settled(row, reuse):
                return settled

    def _enter(self, connection: Connection, wished: Session, reuse: rows.Wanted | None) -> Session:
        """The row that is there, or the wished one, inserted."""
        if wished.create_key and (earlier := rows.find_created(connection, wished.tenant, wished.create_key)):
            if reuse is None or earlier.state not in ENDED:
                return _check_same(earlier, wished)
            rows.free_create_key(connection, earlier)
        if reuse is not None and (found := rows.oldest(connection, reuse)):
            return found
        self._capacity.check(connection, wished, len(self._making))
        self._making.add(wished.id)
        return rows.add(connection, wished, self._parts.settings.slots)

    async def _settled(self, row: Session, reuse: rows.Wanted | None) -> Session | None:
        """The session once nobody is moving it, used now; None where it did not come to be, or is no more."""
        async with self._parts.lock(row.id):
            session = await self._parts.load(row.id)
            if session.state is State.FAILED or (reuse and session.state in (*ENDED, State.DELETING)):
                return None
            self._parts.activity.touch(session.id)
            return session


def _check_same(earlier: Session, wished: Session) -> Session:
    for field in _FIXED:
        if getattr(earlier, field) != getattr(wished, field):
            raise CreateKeyReused(key=wished.create_key, session_id=earlier.id, field=field)
    return earlier
