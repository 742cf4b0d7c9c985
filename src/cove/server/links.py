"""What a session's owner can do with its links: ask for one, look at them, take them back."""

import secrets
from typing import Any

import msgspec

from cove.core.api import CreateLink, LinkView
from cove.core.errors import InvalidInput, LinkNotFound, LinkRefused, NotSupported, SessionNotFound
from cove.core.ids import LinkId, SessionId, text_id
from cove.core.lifetimes import check_seconds
from cove.core.link import (
    Link,
    LinkPlace,
    Protocol,
    check_port,
    claimed_by,
    is_same,
    link_token,
    link_url,
    loopback_address,
    session_token,
)
from cove.core.ports import LinkWatcher
from cove.core.session import ENDED, Session, State
from cove.server.parts import Caller, Parts
from cove.server.secret import read_secret
from cove.server.store import links as rows
from cove.server.store import sessions

LONGEST_OPTIONS = 4096
UNKNOWN = "nobody here made its token"
NO_PORT = "only BrowserUse image support cdp; for a program that listens, name its port: 30100 to 30199"
NO_HTTP = "http not supported: ask for 'https' or 'wss'; the address given is http:// or ws:// where Cove has no TLS"


class Links:
    """The use cases. Each raises SessionNotFound for what the caller must not see."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._secret = read_secret(parts.settings.database.with_name("secret"))
        self._watcher: LinkWatcher | None = None
        self._swept = parts.clock()
        parts.listen(self._session_changed)

    @property
    def place(self) -> LinkPlace:
        """Where links are served; raises NotSupported where no gateway runs."""
        if self._parts.settings.links is None:
            raise NotSupported(what="a link", reason="this Cove was started without a gateway")
        return self._parts.settings.links

    async def create(self, caller: Caller, session_id: SessionId, wish: CreateLink) -> LinkView:
        """A link to a port. One that never expires is made once: who asks again gets the same."""
        session = await self._living(caller, session_id)
        wished = self._wished(session, wish)
        _ = self.place
        link = await self._parts.database.write(lambda connection: rows.add_link(connection, wished))
        return self._shown(session, link)

    def _wished(self, session: Session, wish: CreateLink) -> Link:
        protocol = _check_protocol(wish.protocol_type)
        _check_options(wish.options)
        if wish.port is None:
            raise NotSupported(what="a link without a port", reason=NO_PORT)
        now = self._parts.clock()
        return Link(
            id=LinkId(text_id("l", secrets.token_bytes(10))),
            session_id=session.id,
            port=check_port(wish.port),
            protocol=protocol,
            created_at=now,
            expires_at=None if wish.expires_in is None else now + check_seconds("expires_in", wish.expires_in),
        )

    async def list(self, caller: Caller, session_id: SessionId) -> list[LinkView]:
        """The links that open something now."""
        session, now = await self._living(caller, session_id), self._parts.clock()
        found = await self._parts.database.read(lambda connection: rows.open_links(connection, session_id, now))
        return [self._shown(session, link) for link in found]

    async def revoke(self, caller: Caller, session_id: SessionId, link_id: str) -> Link:
        """Take a link back and cut what is open through it. Revoking twice keeps the first time."""
        await self._living(caller, session_id)
        now, name = self._parts.clock(), LinkId(link_id)
        link = await self._parts.database.write(lambda connection: rows.revoke_link(connection, session_id, name, now))
        if link is None:
            raise LinkNotFound(link_id=link_id, session_id=session_id)
        self._tell(session_id, link_id)
        return link

    async def revoke_all(self, caller: Caller, session_id: SessionId) -> int:
        """Take every link back, and the session's own token; gives the number of links."""
        await self._living(caller, session_id)
        return await self._parts.tasks.finish(self._revoke_all(caller, session_id))

    async def _revoke_all(self, caller: Caller, session_id: SessionId) -> int:
        now = self._parts.clock()
        async with self._parts.lock(session_id):
            session = await self._living(caller, session_id)
            generation = session.link_generation + 1
            await self._parts.write(lambda connection: sessions.change(connection, session, link_generation=generation))
        count = await self._parts.database.write(lambda connection: rows.revoke_links(connection, session_id, now))
        self._tell(session_id, None)
        return count

    def _shown(self, session: Session, link: Link) -> LinkView:
        address = self.address(session, link.port)
        return LinkView(
            link_id=link.id,
            url=link_url(self.place, address, self.token(session, link), link.protocol),
            protocol=link.protocol.value,
            port=link.port,
            created_at=link.created_at,
            expires_at=link.expires_at,
        )

    def address(self, session: Session, port: int | None) -> str:
        """The loopback address at which this port of the session, or its tools, are an origin of their own."""
        return loopback_address(session.id, port, slot=session.slot, slots=self._parts.settings.slots)

    def token(self, session: Session, link: Link | None = None) -> str:
        """The token that opens `link`, or the session's own, which calls its tools through the gateway."""
        if link is None:
            return session_token(self._secret, session.id, session.link_generation)
        return link_token(self._secret, link, session.link_generation)

    async def opened(self, session_id: SessionId, token: str, link: Link | None = None) -> Session:
        """The living session that a token opens, by `link` or as its own; raises LinkRefused, SessionNotFound.

        A forged token learns no more than an unknown one.
        """
        try:
            session = await self._parts.load(session_id)
        except SessionNotFound:
            raise LinkRefused(problem=UNKNOWN) from None
        if not is_same(token, self.token(session, link)):
            raise LinkRefused(problem=UNKNOWN)
        if session.state in ENDED or session.state is State.DELETING:
            raise SessionNotFound(session_id=session.id)
        return session

    async def holder(self, token: str) -> Session:
        """The living session whose own token this is; raises LinkRefused, SessionNotFound."""
        name = claimed_by(token)
        if not name.startswith("s-"):
            raise LinkRefused(problem="its token opens a port, and no tools")
        return await self.opened(SessionId(name), token)

    def own_door(self, session: Session) -> dict[str, str]:
        """Where `GET /callTool` with the session's own token runs its tools, for its owner; empty if nowhere.

        The clients that ask there speak plain HTTP, always.
        """
        place = self._parts.settings.links
        if place is None or place.wildcard or place.is_secure or session.state in ENDED:
            return {}
        address = self.address(session, None)
        return {"network_interface_ip": address, "http_port": str(place.port), "token": self.token(session)}

    def watch(self, watcher: LinkWatcher) -> None:
        """From now on tell `watcher` what open connections must know."""
        self._watcher = watcher

    async def sweep(self) -> None:
        """Tell of the links that expired since the last sweep, and forget those of sessions long ended."""
        since, until = self._swept, self._parts.clock()
        for link in await self._parts.database.write(lambda connection: rows.sweep_links(connection, since, until)):
            self._tell(link.session_id, link.id)
        self._swept = until

    def _session_changed(self, session: Session) -> None:
        if session.state in ENDED or session.state is State.DELETING:
            self._tell(session.id, None)
        elif session.state is State.PAUSED and self._watcher is not None:
            self._watcher.paused(session.id)

    def _tell(self, session_id: SessionId, link_id: str | None) -> None:
        if self._watcher is not None:
            self._watcher.closed(session_id, link_id)

    async def _living(self, caller: Caller, session_id: SessionId) -> Session:
        session = await self._parts.load_for(caller, session_id)
        if session.state in ENDED or session.state is State.DELETING:
            raise SessionNotFound(session_id=session_id)
        return session


def _check_protocol(wanted: Any) -> Protocol:
    """`https`, `wss`, or what no word means: wss, as in the cloud."""
    if wanted is None:
        return Protocol.WSS
    if wanted == "http":
        raise InvalidInput(name="protocol_type", value=wanted, remedy=NO_HTTP)
    try:
        return msgspec.convert(wanted, Protocol)
    except msgspec.ValidationError as error:
        raise InvalidInput(name="protocol_type", value=wanted, remedy="give 'https' or 'wss'") from error


def _check_options(options: Any) -> None:
    """Options are kept by nobody yet: AgentBay's are an opaque text."""
    if options is not None and (not isinstance(options, str) or len(options) > LONGEST_OPTIONS):
        raise InvalidInput(name="options", value=str(options)[:40], remedy=f"give at most {LONGEST_OPTIONS} characters")
