"""Watches of a sandbox's files as the node sees them: each on a connection of its own to the guest."""

import asyncio
import socket
from collections import deque
from typing import Any

import msgspec

from cove.core.errors import GuestMisbehaved, ToolFailed
from cove.core.frames import FrameReader, FrameRefused
from cove.core.ids import SessionId
from cove.core.results import FileChange, FileChanges
from cove.core.tool import Outcome
from cove.node.guests import GuestDoor

_CHUNK = 64 * 1024
_MOST_BYTES = 4 * 1024 * 1024
_MOST_CHANGES = 1000
_LONGEST_PATH = 32 * 1024
_KINDS = {"create", "modify", "delete"}


class _Told(msgspec.Struct):
    event: FileChanges


class GuestWatch:
    """Implements `core.ports.FileWatch` on a connection to the guest, which it owns."""

    def __init__(self, session_id: SessionId, connection: socket.socket, rest: bytes = b"") -> None:
        self._session_id = session_id
        self._connection = connection
        self._reader = FrameReader(_MOST_BYTES, _decode)
        self._told: deque[list[FileChange]] = deque()
        self._feed(rest)

    async def receive(self) -> list[FileChange] | None:
        """The next changes; None at the end. Raises GuestMisbehaved."""
        while not self._told:
            try:
                data = await asyncio.get_running_loop().sock_recv(self._connection, _CHUNK)
            except OSError:
                return None
            if not data:
                return None
            self._feed(data)
            await asyncio.sleep(0)  # a flood is received without waiting: let others have their turn
        return self._told.popleft()

    def close(self) -> None:
        """Watch no more."""
        self._connection.close()

    def _feed(self, data: bytes) -> None:
        try:
            self._told.extend(message["events"] for message in self._reader.feed(data))
        except (FrameRefused, msgspec.DecodeError, RecursionError) as error:
            raise GuestMisbehaved(session_id=self._session_id, reason=f"no changes of files: {error}") from error


async def watch_files(session_id: SessionId, door: GuestDoor, path: str) -> GuestWatch:
    """Begin to watch below a path; raises ToolFailed, SandboxFailed."""
    outcome, connection, rest = await door.begin("files/watch", {"path": path})
    try:
        check_begun(outcome)
        return GuestWatch(session_id, connection, rest)
    except BaseException:
        connection.close()
        raise


def check_begun(outcome: Outcome) -> None:
    """Raise ToolFailed where the guest does not watch, in its words."""
    if outcome.failure is not None:
        raise ToolFailed(failure=outcome.failure.code, message=outcome.failure.message)


def _decode(body: bytes) -> dict[str, Any]:
    """Read as what it must be, so that nothing else costs memory."""
    events = msgspec.json.decode(body, type=_Told).event.events
    if len(events) > _MOST_CHANGES:
        raise FrameRefused(f"{len(events)} changes in one message")
    for event in events:
        if event.event_type not in _KINDS or len(event.path) > _LONGEST_PATH:
            raise FrameRefused("a change that is none")
    return {"events": events}
