"""Sessions as the gateway knows them: who visits each, which connections into it lie ready, and whether bytes flow."""

import asyncio
from typing import Protocol

from cove.core.errors import CoveError, LinkExpired, LinkRevoked
from cove.core.ids import SessionId
from cove.core.ports import Admission
from cove.gateway.wire import Wire

MOST_VISITORS = 2048
"""Connections that one session's links may have at once, where the process may open enough files."""
_FILES_FOR_OURSELVES = 256
_READY_PER_PORT = 128
_DIALS_AT_ONCE = 16
"""Per session, so that one session's crowd does not stand before the server in everybody's way."""


class Visitor(Protocol):
    """A connection of a client, which can be cut."""

    def cut(self, reason: CoveError) -> None:
        """Break it off, or tell why where nothing was answered yet."""


class Visited:
    """One session."""

    def __init__(self, session_id: SessionId) -> None:
        self.session_id = session_id
        self.visitors: dict[Visitor, Admission] = {}
        self.has_flow = True
        self.dialling = asyncio.Semaphore(_DIALS_AT_ONCE)
        self._ready: dict[int, list[Wire]] = {}

    def ready(self, port: int) -> Wire | None:
        """A connection to `port` that an earlier request left open and silent."""
        waiting = self._ready.get(port, [])
        while waiting:
            wire = waiting.pop()
            if wire.is_idle:
                return wire
            wire.abort()
        return None

    def keep(self, port: int, wire: Wire) -> None:
        """Keep a connection for the next request."""
        waiting = self._ready.setdefault(port, [])
        wire.watch()
        if wire.is_idle and len(waiting) < _READY_PER_PORT:
            waiting.append(wire)
        else:
            wire.close()

    def drop_ready(self) -> None:
        """Let go of the connections that wait: the next request dials."""
        for waiting in self._ready.values():
            for wire in waiting:
                wire.close()
        self._ready.clear()

    def cut(self, link_id: str | None) -> None:
        """Cut those who came by this link, or all."""
        for visitor, admission in list(self.visitors.items()):
            if link_id in (None, admission.link_id):
                visitor.cut(LinkRevoked(session_id=self.session_id))

    def expire(self, now: float) -> None:
        """Cut those whose link's time is over."""
        for visitor, admission in list(self.visitors.items()):
            if admission.expires_at is not None and admission.expires_at <= now:
                visitor.cut(LinkExpired(session_id=self.session_id))


class Sessions:
    """All that are visited. `file_limit` is how many files this process may open."""

    def __init__(self, file_limit: int) -> None:
        self._file_limit = file_limit
        self._visited: dict[SessionId, Visited] = {}
        self._hosts: dict[str, SessionId] = {}

    def enter(self, admission: Admission, visitor: Visitor) -> Visited | None:
        """Note a visitor until `leave`; None where the session has as many as it may, or the host is another's."""
        visited = self._visited.setdefault(admission.session_id, Visited(admission.session_id))
        owner = self._hosts.setdefault(admission.host, admission.session_id)
        if owner != admission.session_id or len(visited.visitors) >= self._share():
            return None
        visited.visitors[visitor] = admission
        visited.has_flow = True
        return visited

    def leave(self, visited: Visited, visitor: Visitor) -> None:
        """The visitor's request is over."""
        visited.visitors.pop(visitor, None)

    def forget(self, session_id: SessionId, link_id: str | None) -> None:
        """A link, or all of a session's, lead nowhere any more."""
        visited = self._visited.get(session_id)
        if visited is None:
            return
        visited.cut(link_id)
        if link_id is None:
            visited.drop_ready()
            del self._visited[session_id]
            self._hosts = {host: owner for host, owner in self._hosts.items() if owner != session_id}

    def pause(self, session_id: SessionId) -> None:
        """The session stands still."""
        if visited := self._visited.get(session_id):
            visited.drop_ready()

    def expire(self, now: float) -> None:
        """Links end by their own time, too."""
        for visited in self._visited.values():
            visited.expire(now)

    def with_flow(self) -> list[SessionId]:
        """Those in which bytes have flowed since this was asked last."""
        flowing = [visited for visited in self._visited.values() if visited.has_flow]
        for visited in flowing:
            visited.has_flow = False
        return [visited.session_id for visited in flowing]

    def _share(self) -> int:
        """What each may have so that one leaves room for the others: two files a connection."""
        return min(MOST_VISITORS, max(8, (self._file_limit - _FILES_FOR_OURSELVES) // 2 // max(4, len(self._visited))))
