"""The gateway at work: takes connections, lets tokens in as the server says, and cuts what the server takes back."""

import asyncio
import socket
import time

from cove.core.ids import SessionId
from cove.core.ports import Admission
from cove.gateway.admissions import Admissions
from cove.gateway.answers import speaks_tls
from cove.gateway.asking import Server
from cove.gateway.client import Client
from cove.gateway.places import Place
from cove.gateway.secure import Contexts, SecureDoor
from cove.gateway.sessions import Sessions

_SWEEP_SECONDS = 1.0
_HEAD_SECONDS = 20.0
"""How long a connection's first request may take to come, its head as a whole."""
_MOST_CLIENTS = 20_000
_BACKLOG = 4096


class Service:
    """Serves links at `place` until the server hangs up; over TLS, if it `is_secure`."""

    def __init__(
        self,
        server: Server,
        place: Place,
        file_limit: int,
        *,
        is_secure: bool = False,
        head_seconds: float = _HEAD_SECONDS,
    ) -> None:
        self.place = place
        self.head_seconds = head_seconds
        self.sessions = Sessions(file_limit)
        self.call_tool = server.call_tool
        self._most_clients = min(_MOST_CLIENTS, max(64, file_limit // 3))
        self._server = server
        self._is_secure = is_secure
        self._admissions = Admissions(server)
        self._clients: set[Client] = set()

    async def run(self, listener: socket.socket) -> None:
        """Take connections, and news of the server."""
        async with asyncio.TaskGroup() as group:
            sweeping = group.create_task(self._sweep())
            opening = group.create_task(self._open(listener))
            await self._server.listen(self)
            sweeping.cancel()
            opening.cancel()

    async def _open(self, listener: socket.socket) -> None:
        """Take connections until cancelled."""
        doors: asyncio.Server | SecureDoor
        if self._is_secure:
            doors = SecureDoor(listener, lambda: Client(self), Contexts(self._server.certify), speaks_tls())
            doors.start()
        else:
            loop = asyncio.get_running_loop()
            doors = await loop.create_server(lambda: Client(self), sock=listener, backlog=_BACKLOG)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            doors.close()

    # What a client's connection asks.

    async def admit(self, token: str) -> Admission:
        """Whom the token lets in."""
        return await self._admissions.admit(token)

    async def dial(self, token: str) -> socket.socket:
        """A connection to where the token leads."""
        return await self._server.dial(token)

    def opened(self, client: Client) -> bool:
        """Note a connection; false if there are too many."""
        if len(self._clients) >= self._most_clients:
            return False
        self._clients.add(client)
        return True

    def left(self, client: Client) -> None:
        """Forget it."""
        self._clients.discard(client)

    # What the server tells.

    def closed(self, session_id: SessionId, link_id: str | None) -> None:
        """A link, or all of a session's, lead nowhere from now on."""
        self._admissions.forget(session_id, link_id)
        self.sessions.forget(session_id, link_id)

    def paused(self, session_id: SessionId) -> None:
        """The session stands still."""
        self.sessions.pause(session_id)

    async def _sweep(self) -> None:
        """Once a second: close what was waited for in vain, and tell which sessions are in use."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = asyncio.get_running_loop().time()
            self.sessions.expire(time.time())
            for client in [each for each in self._clients if each.deadline < now]:
                client.expire()
            if flowing := self.sessions.with_flow():
                self._server.used(flowing)
