"""Getting a session ready to be used: what idleness paused is woken, what is on its way is waited for."""

from cove.core.errors import SessionNotFound
from cove.core.session import ENDED, Session, State, refusal
from cove.server.moves import Moves
from cove.server.parts import Parts


async def ready(parts: Parts, moves: Moves, session: Session, wanted: str) -> Session:
    """The session, RUNNING; raises SessionNotFound for an ended one, SessionPaused or WrongState naming `wanted`."""
    if session.idle_paused and session.state in (State.PAUSING, State.PAUSED, State.RESUMING):
        session = await parts.tasks.finish(moves.wake(session.id))
    elif session.state in (State.CREATING, State.RESUMING):
        async with parts.lock(session.id):
            session = await parts.load(session.id)
    if session.state in ENDED or session.state is State.DELETING:
        raise SessionNotFound(session_id=session.id)
    if session.state is not State.RUNNING:
        raise refusal(session, wanted)
    return session
