"""Watching a session's files: for as long as somebody does, the session is in use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cove.core.ids import SessionId
from cove.core.ports import FileWatch
from cove.core.results import FileChange
from cove.server.moves import Moves
from cove.server.parts import Caller, Parts
from cove.server.readiness import using


class Watches:
    """The use case."""

    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves

    @asynccontextmanager
    async def watch(
        self, caller: Caller, session_id: SessionId, path: str
    ) -> AsyncIterator[AsyncIterator[list[FileChange]]]:
        """Changes below a path, from the last `get_file_change` on; raises SessionNotFound, WrongState, ToolFailed."""
        session = await self._parts.load_for(caller, session_id)
        async with using(self._parts, self._moves, session, "watch files"):
            watch = await self._parts.driver.watch_files(session_id, path)
            try:
                yield _changes(watch)
            finally:
                watch.close()


async def _changes(watch: FileWatch) -> AsyncIterator[list[FileChange]]:
    while (events := await watch.receive()) is not None:
        yield events
