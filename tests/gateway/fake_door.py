"""A LinkDoor without a server: tokens and listeners as a test lays them down."""

import asyncio
import socket
from typing import Any

from cove.core.errors import CoveError, LinkRefused, LinkRevoked, NothingListening
from cove.core.ids import SessionId
from cove.core.ports import Admission, LinkWatcher

SESSION = SessionId("s-one")
ADDRESS = "127.128.0.1"
PORT = 30100


def token_of(letter: str) -> str:
    """A token that looks like one."""
    return letter * 48


class FakeDoor:
    """Implements `LinkDoor`. `tokens` maps each to its admission or its refusal, `inside` a port to a real one."""

    watcher: LinkWatcher

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything, and have the gateway forget it."""
        for session_id in {each.session_id for each in getattr(self, "laid", [])}:
            self.watcher.closed(session_id, None)
        self.laid: list[Admission] = []
        self.tokens: dict[str, Admission | CoveError] = {}
        self.inside: dict[tuple[str, int], int | Exception] = {}
        self.results: dict[str, dict[str, Any] | CoveError] = {}
        self.calls: list[tuple[str, dict[str, Any], str, str]] = []
        self.uses: list[SessionId] = []
        self.used_once = asyncio.Event()
        self.calls_wait = asyncio.Event()
        self.calls_wait.set()
        self.dials = 0
        self.admissions = 0
        self.to_revoke: set[str] = set()

    def link(
        self,
        letter: str = "a",
        *,
        session: SessionId = SESSION,
        host: str = ADDRESS,
        port: int | None = PORT,
        **more: Any,
    ) -> str:
        """Lay down a link; gives its token."""
        token = token_of(letter)
        self.laid.append(Admission(link_id=f"l-{letter}", session_id=session, host=host, port=port, **more))
        self.tokens[token] = self.laid[-1]
        return token

    async def admit(self, token: str) -> Admission:
        self.admissions += 1
        found = self.tokens.get(token, LinkRefused(problem="nobody knows it"))
        if isinstance(found, CoveError):
            raise found
        if token in self.to_revoke:  # while it is being admitted
            self.tokens[token] = LinkRevoked(session_id=found.session_id)
            self.watcher.closed(found.session_id, found.link_id)
        return found

    async def dial(self, session_id: SessionId, port: int) -> socket.socket:
        self.dials += 1
        found = self.inside.get((session_id, port), NothingListening(session_id=session_id, port=port))
        if isinstance(found, Exception):
            raise found
        dialled = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await asyncio.get_running_loop().sock_connect(dialled, ("127.0.0.1", found))
        except OSError as error:
            dialled.close()
            raise NothingListening(session_id=session_id, port=port) from error
        return dialled

    def used(self, session_id: SessionId) -> None:
        self.uses.append(session_id)
        self.used_once.set()

    async def call_tool(
        self, token: str, tool: str, arguments: dict[str, Any], *, request_id: str, user_agent: str
    ) -> dict[str, Any]:
        await self.admit(token)
        self.calls.append((tool, arguments, request_id, user_agent))
        await self.calls_wait.wait()
        found = self.results[tool]
        if isinstance(found, CoveError):
            raise found
        return found

    def watch(self, watcher: LinkWatcher) -> None:
        self.watcher = watcher
