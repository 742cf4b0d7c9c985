"""Ends sessions whose lifetime is over, retires idle ones, and finishes what failed half-way: once per sweep."""

import asyncio

import structlog

from cove.core.session import TRANSIENT, EndReason, Session
from cove.server.links import Links
from cove.server.moves import Moves
from cove.server.parts import Parts
from cove.server.reconcile import finish_move
from cove.server.store import sessions as rows

_FORGET_SECONDS = 600.0
log = structlog.get_logger("cove.server")


class Reaper:
    """Looks at every living session; `run` does so for ever."""

    def __init__(self, parts: Parts, moves: Moves, links: Links) -> None:
        self._parts = parts
        self._links = links
        self._moves = moves
        self._forgets_at = 0.0

    async def run(self) -> None:
        """Sweep every `sweep_seconds`, the first time after as many, until cancelled."""
        while True:
            await asyncio.sleep(self._parts.settings.sweep_seconds)
            try:
                await self.sweep()
            except Exception:  # the next sweep may fare better, and sessions must not live for ever
                log.exception("sweep failed")

    async def sweep(self) -> None:
        """Act on every session that is due now; one that fails does not hold up the others."""
        await asyncio.to_thread(self._parts.reserve.rebuild)
        presence, living = self._parts.settings.presence, self._parts.living()
        self._parts.activity.forget(self._parts.activity.known() - {session.id for session in living})
        presence.count(len(living), presence.uses)
        await asyncio.gather(*(self._guarded(session) for session in living if self._is_due(session)))
        await self._forget_ended()
        await self._links.sweep()

    async def _forget_ended(self) -> None:
        """Now and then, for it looks at every session that there ever was."""
        now = self._parts.clock()
        if now < self._forgets_at:
            return
        self._forgets_at = now + _FORGET_SECONDS
        before = now - self._parts.settings.keep_ended_seconds
        await self._parts.database.write(lambda connection: rows.forget_ended(connection, before))

    def _is_due(self, session: Session) -> bool:
        return self._is_over(session) or self._moves.is_idle(session) or self._is_stuck(session)

    def _is_over(self, session: Session) -> bool:
        return self._parts.clock() >= session.created_at + session.max_lifetime

    def _is_stuck(self, session: Session) -> bool:
        return session.state in TRANSIENT and not self._parts.lock(session.id).locked()

    async def _guarded(self, session: Session) -> None:
        try:
            await self._parts.tasks.finish(self._act(session))
        except Exception:  # logged, and tried again at the next sweep
            log.exception("sweep failed for a session", session_id=session.id)

    async def _act(self, session: Session) -> None:
        if self._is_over(session):
            await self._moves.end(session.id, EndReason.LIFETIME)
        elif self._is_stuck(session):
            await finish_move(self._parts, self._moves, session.id)
        elif self._moves.is_idle(session):
            await self._moves.retire(session.id)
