"""Making rows and sandboxes agree: at the start for all of them, later for moves that failed half-way."""

import structlog

from cove.core.errors import CoveError, SandboxGone
from cove.core.ids import SessionId
from cove.core.session import TRANSIENT, EndReason, Session, State
from cove.server.moves import Moves
from cove.server.parts import Parts
from cove.server.store import sessions as rows

log = structlog.get_logger("cove.server")


async def reconcile(parts: Parts, moves: Moves) -> None:
    """Take up what an earlier server left: finish its moves, adopt its sandboxes, remove those without a row."""
    living = await parts.database.read(rows.living)
    await _destroy_strangers(parts, {session.id for session in living})
    for session in living:
        parts.remember(session)
        try:
            await _take_up(parts, moves, session)
        except Exception:  # one session's trouble must not keep the others from being served
            log.exception("session not reconciled", session_id=session.id, state=session.state.value)


async def _destroy_strangers(parts: Parts, expected: set[SessionId]) -> None:
    for session_id in await parts.driver.known() - expected:
        try:
            await parts.driver.destroy(session_id)
            log.info("sandbox without a session destroyed", session_id=session_id)
        except CoveError:
            log.exception("sandbox without a session not destroyed", session_id=session_id)


async def _take_up(parts: Parts, moves: Moves, session: Session) -> None:
    if session.state not in (State.CREATING, State.DELETING):
        try:
            await parts.driver.adopt(session.id, session.sandbox)
            await _set_network(parts, session)
        except SandboxGone as gone:
            await moves.end(session.id, end_reason_of(gone))
            return
    await finish_move(parts, moves, session.id)


async def _set_network(parts: Parts, session: Session) -> None:
    """A session that cannot be given its network is closed, and served in all else."""
    try:
        await parts.driver.set_network(session.id, session.network or parts.settings.network)
    except SandboxGone:
        raise
    except CoveError as error:
        log.warning("session without a network", session_id=session.id, reason=str(error))


async def finish_move(parts: Parts, moves: Moves, session_id: SessionId) -> None:
    """Bring a move that was left half done to its end: creation is rolled back, all others go forward."""
    async with parts.lock(session_id):
        session = await parts.load(session_id)
        finish = {
            State.CREATING: moves.abandon,
            State.PAUSING: moves.finish_pause,
            State.RESUMING: moves.finish_resume,
            State.DELETING: moves.finish_end,
        }
        if session.state in TRANSIENT:
            await finish[session.state](session)


def end_reason_of(gone: SandboxGone) -> EndReason:
    """The reason that the driver gives, as far as we know the word."""
    try:
        return EndReason(gone.facts.get("end_reason", EndReason.LOST))
    except ValueError:
        return EndReason.LOST
