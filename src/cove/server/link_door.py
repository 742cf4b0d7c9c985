"""What the gateway may do with a token: learn whom it lets in, reach the port, call a tool. Implements `LinkDoor`."""

import socket
from typing import Any

from cove.compat.link import first_result
from cove.compat.operations.tools import refused
from cove.core.errors import CoveError, LinkExpired, LinkRefused, LinkRevoked, SessionNotFound
from cove.core.ids import LinkId, SessionId
from cove.core.link import Link, claimed_by, host_of
from cove.core.ports import Admission, LinkWatcher
from cove.core.session import Session, State
from cove.server.calls import Calls
from cove.server.links import UNKNOWN, Links
from cove.server.moves import Moves
from cove.server.parts import Caller, Parts
from cove.server.readiness import ready, using
from cove.server.store import links as rows


class ServerLinkDoor:
    """The door that this server's gateway asks."""

    def __init__(self, parts: Parts, moves: Moves, calls: Calls, links: Links) -> None:
        self._parts = parts
        self._moves = moves
        self._calls = calls
        self._links = links

    async def admit(self, token: str) -> Admission:
        """What the token opens. A forged token learns no more than an unknown one."""
        name = claimed_by(token)
        link = await self._link(LinkId(name)) if name.startswith("l-") else None
        session = await self._links.opened(link.session_id if link else SessionId(name), token, link)
        if link is not None and link.expires_at is not None and link.expires_at <= self._parts.clock():
            raise LinkExpired(session_id=session.id)
        return self._admission(session, link, token)

    def _admission(self, session: Session, link: Link | None, token: str) -> Admission:
        return Admission(
            link_id=link.id if link else session.id,
            session_id=session.id,
            host=host_of(self._links.place, self._links.address(session, link.port if link else None), token),
            port=link.port if link else None,
            expires_at=link.expires_at if link else None,
        )

    async def _link(self, link_id: LinkId) -> Link:
        link = await self._parts.database.read(lambda connection: rows.find_link(connection, link_id))
        if link is None:
            raise LinkRefused(problem=UNKNOWN)
        if link.revoked_at is not None:  # before the proof, which a revocation of all links has made void
            raise LinkRevoked(session_id=link.session_id)
        return link

    async def dial(self, session_id: SessionId, port: int) -> socket.socket:
        """A connection into the sandbox; it counts as use, and wakes a session that idleness paused."""
        session = await self._parts.load(session_id)
        async with using(self._parts, self._moves, session, "open the link"):
            return await self._parts.driver.dial(session_id, port)

    def used(self, session_id: SessionId) -> None:
        """Bytes flow through a link of this session."""
        self._parts.activity.touch(session_id)
        self._parts.tasks.start(self._wake(session_id))

    async def _wake(self, session_id: SessionId) -> None:
        session = await self._parts.load(session_id)
        if session.idle_paused and session.state in (State.PAUSING, State.PAUSED):
            await ready(self._parts, self._moves, session, "use the link")

    async def call_tool(
        self, token: str, tool: str, arguments: dict[str, Any], *, request_id: str, user_agent: str
    ) -> dict[str, Any]:
        """Run a tool for whoever holds the session's own token: AgentBay's VPC route.

        What the tool, or the service, says no to is a result with `isError`; a token that opens nothing raises.
        """
        session = await self._links.holder(token)
        caller = Caller(tenant=session.tenant, is_operator=False)
        try:
            outcome = await self._calls.call(caller, session.id, tool, arguments)
        except SessionNotFound:
            raise
        except CoveError as error:
            outcome = refused(tool, error)
        return first_result(tool, outcome, user_agent, request_id)

    def watch(self, watcher: LinkWatcher) -> None:
        """From now on tell `watcher`, and nobody before it."""
        self._links.watch(watcher)
