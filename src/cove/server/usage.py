"""What sessions use of the machine and how much they are called: for whoever watches many of them at once."""

import asyncio

import msgspec

from cove.core.errors import SandboxFailed
from cove.core.ids import SessionId
from cove.core.results import Metrics
from cove.core.session import Session
from cove.server.parts import Caller, Parts
from cove.server.sandboxes import Page, Sandboxes
from cove.server.store.sessions import Wanted


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """One session's; without metrics where it could not be measured. Calls are counted since the server started."""

    session: Session
    metrics: Metrics | None
    calls_running: int
    calls_total: int


class Watching:
    """The use case. Looking counts as no use and wakes nobody."""

    def __init__(self, parts: Parts, sandboxes: Sandboxes) -> None:
        self._parts = parts
        self._sandboxes = sandboxes

    async def page(self, caller: Caller, wanted: Wanted, *, limit: int, cursor: str) -> tuple[list[Used], Page]:
        """A page of the caller's sessions, as `Sandboxes.list` gives them, each measured."""
        page = await self._sandboxes.list(caller, wanted, limit=limit, cursor=cursor)
        metrics = await asyncio.gather(*(self._measured(session.id) for session in page.sessions))
        return [self._used(*pair) for pair in zip(page.sessions, metrics, strict=True)], page

    def _used(self, session: Session, metrics: Metrics | None) -> Used:
        running, total = self._parts.activity.calls(session.id)
        return Used(session=session, metrics=metrics, calls_running=running, calls_total=total)

    async def _measured(self, session_id: SessionId) -> Metrics | None:
        try:
            return await self._parts.driver.metrics(session_id)
        except (SandboxFailed, OSError):
            return None  # it is being made, or ends just now
