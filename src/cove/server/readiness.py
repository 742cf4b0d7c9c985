"""Getting a session ready to be used: what idleness paused is woken, what is on its way is waited for.

Whatever reaches into a session comes through here and counts as its use: tool calls, links, terminals. Reads do not.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cove.core.errors import SessionNotFound
from cove.core.session import ENDED, Session, State, refusal
from cove.server.moves import Moves
from cove.server.parts import Parts

_SETTLES_SOON = (State.CREATING, State.RUNNING, State.RESUMING)
"""States in which a move that is being made ends in one that can be used, or ends the session."""


@asynccontextmanager
async def using(parts: Parts, moves: Moves, session: Session, wanted: str) -> AsyncIterator[Session]:
    """The session, RUNNING and in use until the block is left; raises what `ready` raises."""
    with parts.activity.use(session.id):
        yield await ready(parts, moves, session, wanted)


async def ready(parts: Parts, moves: Moves, session: Session, wanted: str) -> Session:
    """The session, RUNNING and used now.

    Raises SessionNotFound for one that has ended, SessionPaused for one that somebody paused and WrongState for others,
    naming `wanted`, and what the driver raises where the wake fails.
    """
    with parts.activity.use(session.id):  # so that it is not put to sleep while it is woken
        session = await settled(parts, session)
        if session.idle_paused and session.state in (State.PAUSING, State.PAUSED, State.RESUMING):
            session = await parts.tasks.finish(moves.wake(session.id))
    if session.state in ENDED or session.state is State.DELETING:
        raise SessionNotFound(session_id=session.id)
    if session.state is not State.RUNNING:
        raise refusal(session, wanted)
    return session


async def settled(parts: Parts, session: Session) -> Session:
    """The session after the move that somebody is making, so that nothing begins that the move would cut."""
    if session.state in _SETTLES_SOON and parts.lock(session.id).locked():
        async with parts.lock(session.id):
            return await parts.load(session.id)
    return session
