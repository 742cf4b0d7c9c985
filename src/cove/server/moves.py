"""Every move of a session, made: durable intent, the driver's work, durable result; under the session's lock.

A server killed between two of these steps finds the intent when it starts, and `reconcile` finishes it.
"""

import asyncio
from typing import Any

import structlog

from cove.core.errors import SandboxNotCreated
from cove.core.ids import SessionId
from cove.core.image import Image
from cove.core.ports import Facts, SandboxSpec
from cove.core.session import ENDED, EndReason, Move, OnIdle, Session, State
from cove.server.parts import Parts
from cove.server.store import sessions as rows

log = structlog.get_logger("cove.server")
Begun = asyncio.Future[Session] | None


class Moves:
    """The moves. Those that take `begun` set it once the intent is durable, for callers who do not wait for the end."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def make(self, session: Session, image: Image) -> Session:
        """CREATING → RUNNING, for a row just inserted by whoever holds the session's lock."""
        self._parts.remember(session)
        self._done("create.row", session)
        try:
            facts = await self._sandbox(session, image)
            fingerprint = await self._parts.driver.fingerprint(image)
        except Exception:
            await self.abandon(session)
            raise
        self._parts.checkpoint("create.sandbox")
        self._parts.activity.touch(session.id)
        return await self._move(session, Move.CREATED, "create.running", sandbox=facts, image_fingerprint=fingerprint)

    async def _sandbox(self, row: Session, image: Image) -> Facts:
        network = row.network or self._parts.settings.network
        spec = SandboxSpec(session_id=row.id, image=image, limits=row.limits, slot=row.slot, network=network)
        seconds = self._parts.settings.create_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._parts.driver.create(spec)
        except TimeoutError as error:
            raise SandboxNotCreated(step="wait", reason=f"it took more than {seconds:g} s") from error

    async def abandon(self, session: Session) -> Session:
        """Remove what creation left, and say that it failed. The create key is freed: a repeat tries anew."""
        await self._parts.driver.destroy(session.id)
        self._parts.checkpoint("create.abandoned")
        ended = {"end_reason": EndReason.FAILED, "ended_at": self._parts.clock(), "create_key": None}
        return await self._move(session, Move.FAIL, "create.failed", **ended)

    async def pause(self, session_id: SessionId, begun: Begun = None) -> Session:
        """RUNNING → PAUSED because somebody asked. A session that idleness paused stays so, and sleeps soundly."""
        async with self._parts.lock(session_id):
            session = await self._parts.load(session_id)
            if session.state is State.PAUSED and session.idle_paused:
                return await self._change(session, idle_paused=False)
            return await self._pause(session, begun, idle=False)

    async def retire(self, session_id: SessionId) -> None:
        """What lies unused is paused, or released where that was asked; a use that came meanwhile wakes it at once."""
        async with self._parts.lock(session_id):
            session = await self._parts.load(session_id)
            if not self.is_idle(session):
                return
            if session.on_idle is OnIdle.RELEASE:
                session = await self._move(session, Move.DELETE, "release.row", end_reason=EndReason.IDLE)
                await self.finish_end(session)
                return
            session = await self._pause(session, None, idle=True)
            if not self._parts.activity.is_idle(session_id, session.idle_timeout):
                await self._resume(session, None)

    def is_idle(self, session: Session) -> bool:
        """Whether it runs, and has lain unused for its time."""
        return session.state is State.RUNNING and self._parts.activity.is_idle(session.id, session.idle_timeout)

    async def _pause(self, session: Session, begun: Begun, *, idle: bool) -> Session:
        session = await self._move(session, Move.PAUSE, "pause.row", idle_paused=idle)
        _tell(begun, session)
        return await self.finish_pause(session)

    async def finish_pause(self, session: Session) -> Session:
        """PAUSING → PAUSED; back to RUNNING where the freeze does not take."""
        try:
            await self._parts.driver.pause(session.id)
        except Exception:
            await self._move(session, Move.RESUMED, "pause.undone", idle_paused=False)
            raise
        self._parts.checkpoint("pause.frozen")
        return await self._move(session, Move.PAUSED, "pause.done")

    async def resume(self, session_id: SessionId, begun: Begun = None) -> Session:
        """PAUSED → RUNNING."""
        async with self._parts.lock(session_id):
            return await self._resume(await self._parts.load(session_id), begun)

    async def wake(self, session_id: SessionId) -> Session:
        """Resume a session that idleness paused; any other is given back as it is."""
        async with self._parts.lock(session_id):
            session = await self._parts.load(session_id)
            if session.state is State.PAUSED and session.idle_paused:
                return await self._resume(session, None)
            return session

    async def _resume(self, session: Session, begun: Begun) -> Session:
        session = await self._move(session, Move.RESUME, "resume.row")
        _tell(begun, session)
        return await self.finish_resume(session)

    async def finish_resume(self, session: Session) -> Session:
        """RESUMING → RUNNING; back to PAUSED where the thaw does not take."""
        try:
            await self._parts.driver.resume(session.id)
        except Exception:
            await self._move(session, Move.PAUSED, "resume.undone")
            raise
        self._parts.checkpoint("resume.thawed")
        self._parts.activity.touch(session.id)
        return await self._move(session, Move.RESUMED, "resume.done", idle_paused=False)

    async def end(self, session_id: SessionId, reason: EndReason, begun: Begun = None) -> Session:
        """Any living state → FINISH. Done already, or by somebody else meanwhile, is done."""
        async with self._parts.lock(session_id):
            session = await self._parts.load(session_id)
            if session.state in ENDED:
                return session
            if session.state is not State.DELETING:
                session = await self._move(session, Move.DELETE, "delete.row", end_reason=reason)
            _tell(begun, session)
            return await self.finish_end(session)

    async def finish_end(self, session: Session) -> Session:
        """DELETING → FINISH; where the driver fails, the row stays DELETING and the reaper tries again."""
        await self._parts.driver.destroy(session.id)
        self._parts.checkpoint("delete.sandbox")
        return await self._move(session, Move.DELETED, "delete.done", ended_at=self._parts.clock())

    async def _move(self, session: Session, step: Move, checkpoint: str, **changes: Any) -> Session:
        moved = await self._parts.write(lambda connection: rows.move(connection, session, step, **changes))
        self._done(checkpoint, moved)
        return moved

    async def _change(self, session: Session, **changes: Any) -> Session:
        return await self._parts.write(lambda connection: rows.change(connection, session, **changes))

    def _done(self, checkpoint: str, session: Session) -> None:
        self._parts.checkpoint(checkpoint)
        log.info("session " + session.state.value.lower(), session_id=session.id, end_reason=session.end_reason)


def _tell(begun: Begun, session: Session) -> None:
    if begun is not None and not begun.done():
        begun.set_result(session)
