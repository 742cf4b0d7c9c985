"""The use cases in the shape in which the dialects' operations ask for them."""

import copy
import ipaddress
from typing import Any

from cove.compat.operations import Doors, Found
from cove.core.api import CreateLink, CreateSession, LinkView
from cove.core.errors import LinkRefused, TooManyRequests
from cove.core.ids import SessionId
from cove.core.session import ENDED, Session, State
from cove.core.tool import Outcome
from cove.server.calls import Calls
from cove.server.keys import Keys
from cove.server.links import Links
from cove.server.parts import Caller
from cove.server.sandboxes import Sandboxes
from cove.server.settings import ServerSettings
from cove.server.store.sessions import Wanted
from cove.server.watches import Watches

_PATIENCE = 0.5
"""Seconds that an answer to a wish waits for its fulfilment: who finds it unfulfilled asks again much later."""


class ServerService:
    """Implements `cove.compat.operations.Service`."""

    def __init__(
        self,
        settings: ServerSettings,
        keys: Keys,
        sandboxes: Sandboxes,
        calls: Calls,
        links: Links,
        watches: Watches,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._sandboxes = sandboxes
        self._calls = calls
        self._links = links
        self._is_near = True
        self.tools_of = calls.tools_of
        self.watch = watches.watch

    def for_distant(self) -> "ServerService":
        """The same for clients of other machines, which reach nothing on this one's loopback addresses."""
        distant = copy.copy(self)
        distant._is_near = False
        return distant

    async def caller(self, secret: str) -> Caller:
        """Whose key this is; raises KeyInvalid, and TooManyRequests where too much is being answered."""
        self._check_room()
        return await self._keys.authenticate(secret)

    async def holder(self, session_id: SessionId, token: str, *, is_socket: bool = False) -> Caller:
        """The tenant whose session's own token this is; it is good for nothing else."""
        self._check_room(is_socket=is_socket)
        session = await self._links.holder(token)
        if session.id != session_id:
            raise LinkRefused(problem="its token is another session's")
        return Caller(tenant=session.tenant, is_operator=False)

    def _check_room(self, *, is_socket: bool = False) -> None:
        presence, most = self._settings.presence, self._settings.most_requests
        if (presence.sockets if is_socket else presence.in_flight - presence.sockets) > most:
            raise TooManyRequests(limit=most)

    async def create(self, caller: Caller, wish: CreateSession) -> Session:
        """A session that runs."""
        return await self._sandboxes.create(caller, wish)

    async def get(self, caller: Caller, session_id: SessionId) -> Session:
        """The session, living or ended."""
        return await self._sandboxes.get(caller, session_id)

    async def find(
        self,
        caller: Caller,
        *,
        labels: dict[str, str],
        status: State | None,
        image_id: str | None,
        limit: int,
        cursor: str,
    ) -> Found:
        """A page of sessions, newest first."""
        wanted = Wanted(labels=labels, status=status, image_id=image_id)
        page = await self._sandboxes.list(caller, wanted, limit=limit, cursor=cursor)
        return Found(sessions=page.sessions, next_cursor=page.next_cursor, total=page.total)

    async def delete(self, caller: Caller, session_id: SessionId, *, wait: bool) -> Session:
        """End it."""
        return await self._sandboxes.delete(caller, session_id, wait=wait, patience=_PATIENCE)

    async def pause(self, caller: Caller, session_id: SessionId) -> Session:
        """Begin to freeze it."""
        return await self._sandboxes.pause(caller, session_id, wait=False, patience=_PATIENCE)

    async def resume(self, caller: Caller, session_id: SessionId) -> Session:
        """Begin to let it go on."""
        return await self._sandboxes.resume(caller, session_id, wait=False, patience=_PATIENCE)

    async def keep_alive(self, caller: Caller, session_id: SessionId) -> None:
        """Count as a use."""
        await self._sandboxes.keep_alive(caller, session_id)

    async def set_labels(self, caller: Caller, session_id: SessionId, labels: dict[str, Any]) -> Session:
        """Replace all labels."""
        return await self._sandboxes.set_labels(caller, session_id, labels)

    async def link(self, caller: Caller, session_id: SessionId, wish: CreateLink) -> LinkView:
        """An address of a port."""
        return await self._links.create(caller, session_id, wish)

    async def call(self, caller: Caller, session_id: SessionId, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Run a tool."""
        return await self._calls.call(caller, session_id, tool, arguments)

    def doors(self, caller: Caller, session: Session) -> Doors:
        """Where the session is reached past the API; its token goes to its own tenant only."""
        own: dict[str, str] = {}
        if caller.tenant == session.tenant and session.state not in ENDED:
            own = (self._links.own_door(session) if self._serves_here() else {}) | self._own_links(session)
        return Doors(resource_url=resource_url(self._settings.public_url, session), **own)

    def _own_links(self, session: Session) -> dict[str, str]:
        """The session's own addresses at this server, for clients that reach it by its public one."""
        public = self._settings.public_url.rstrip("/")
        if not public or not (self._is_near or not is_loopback(_host(public))):
            return {}
        place = f"{public}/link/{session.id}"
        is_link_told = not {session.image_id, "*"} & self._settings.api_mode_images
        return {
            "link_url": place if is_link_told else "",
            "ws_url": f"ws{place.removeprefix('http')}/ws",
            "token": self._links.token(session),
        }

    def _serves_here(self) -> bool:
        """Whether the client reaches what the gateway serves: one of another machine has no part in our loopback.

        A proxy is near, and its clients are not: where there is one, the public address says so.
        """
        if (place := self._settings.links) is None:
            return False
        return bool(place.wildcard) or (self._is_near and is_loopback(_host(self._settings.public_url)))


def is_loopback(host: str) -> bool:
    """Whether what has this name or address must be on this machine; no name at all is this machine's, too.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("10.0.0.9"), is_loopback("cove.example.org")
    (True, True, False, False)
    """
    try:
        return host in {"", "localhost"} or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(url: str) -> str:
    """The host of an address, without brackets and port."""
    host = url.partition("://")[2].partition("/")[0]
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def resource_url(public_url: str, session: Session) -> str:
    """Where people look at a session."""
    return f"{public_url}/v1/sessions/{session.id}?resourceId={session.id}"
