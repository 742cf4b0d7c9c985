"""What the store does with links: their facts, never their tokens."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, or_, select, update

from cove.core.errors import TooManyLinks
from cove.core.ids import LinkId, SessionId
from cove.core.link import Link
from cove.server.store.tables import links, sessions

MOST = 1000
"""Open links of one session."""
_KEPT_SECONDS = 86400.0
"""How long a link that opens nothing any more can still say why."""


def find_link(connection: Connection, link_id: LinkId) -> Link | None:
    """The link, whether it still opens anything or not."""
    row = connection.execute(select(links).where(links.c.id == link_id)).first()
    return None if row is None else _link(row)


def open_links(connection: Connection, session_id: SessionId, now: float) -> list[Link]:
    """The links of a session that are neither revoked nor expired, oldest first."""
    rows = connection.execute(select(links).where(_open(session_id, now)).order_by(links.c.created_at, links.c.id))
    return [_link(row) for row in rows]


def add_link(connection: Connection, link: Link) -> Link:
    """Insert a link; one that never expires is the same for everybody who asks. Raises TooManyLinks."""
    session_id, now = link.session_id, link.created_at
    if link.expires_at is None and (earlier := _lasting(connection, link)) is not None:
        return earlier
    _forget(connection, session_id, now - _KEPT_SECONDS)
    count = connection.execute(select(func.count()).select_from(links).where(_open(session_id, now))).scalar_one()
    if count >= MOST:
        raise TooManyLinks(session_id=session_id, limit=MOST)
    connection.execute(insert(links).values(msgspec.to_builtins(link)))
    return link


def revoke_link(connection: Connection, session_id: SessionId, link_id: LinkId, now: float) -> Link | None:
    """Take one link of a session back, for good; None where it has no such link."""
    mine = and_(links.c.id == link_id, links.c.session_id == session_id)
    connection.execute(update(links).where(mine, links.c.revoked_at.is_(None)).values(revoked_at=now))
    row = connection.execute(select(links).where(mine)).first()
    return None if row is None else _link(row)


def revoke_links(connection: Connection, session_id: SessionId, now: float) -> int:
    """Take every link of a session back; gives their number."""
    mine = and_(links.c.session_id == session_id, links.c.revoked_at.is_(None))
    return connection.execute(update(links).where(mine).values(revoked_at=now)).rowcount


def sweep_links(connection: Connection, after: float, until: float) -> list[Link]:
    """The links whose time ended between the two, the first excluded, and that nobody had revoked.

    Those of sessions that nobody can ask about any more are deleted.
    """
    connection.execute(delete(links).where(links.c.session_id.not_in(select(sessions.c.id))))
    due = and_(links.c.expires_at > after, links.c.expires_at <= until, links.c.revoked_at.is_(None))
    return [_link(row) for row in connection.execute(select(links).where(due))]


def _lasting(connection: Connection, link: Link) -> Link | None:
    same = and_(links.c.port == link.port, links.c.protocol == link.protocol.value, links.c.expires_at.is_(None))
    row = connection.execute(select(links).where(_open(link.session_id, link.created_at), same)).first()
    return None if row is None else _link(row)


def _open(session_id: SessionId, now: float) -> ColumnElement[bool]:
    unexpired = or_(links.c.expires_at.is_(None), links.c.expires_at > now)
    return and_(links.c.session_id == session_id, links.c.revoked_at.is_(None), unexpired)


def _forget(connection: Connection, session_id: SessionId, before: float) -> None:
    over = or_(links.c.revoked_at < before, links.c.expires_at < before)
    connection.execute(delete(links).where(links.c.session_id == session_id, over))


def _link(row: Any) -> Link:
    return msgspec.convert(row, Link, from_attributes=True)
