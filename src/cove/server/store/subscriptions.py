"""What the store does with subscriptions: what each connection's client believes to be told, should the server die."""

from typing import Any

from sqlalchemy import Connection, delete, insert, select

from cove.core.ids import SessionId
from cove.server.store.sessions import is_living
from cove.server.store.tables import sessions, subscriptions

Kept = list[dict[str, Any]]


def keep(connection: Connection, ids: list[str], session_id: SessionId, kept: Kept) -> None:
    """Replace what is kept under all of `ids` by `kept`, under the first; where that is empty, by nothing."""
    connection.execute(delete(subscriptions).where(subscriptions.c.id.in_(ids)))
    if kept:
        connection.execute(insert(subscriptions).values(id=ids[0], session_id=session_id, kept=kept))


def take_up(connection: Connection) -> list[tuple[str, SessionId, Kept]]:
    """All that is kept of living sessions, by id; the rest is deleted."""
    living = select(sessions.c.id).where(is_living)
    connection.execute(delete(subscriptions).where(subscriptions.c.session_id.not_in(living)))
    return [(row.id, SessionId(row.session_id), row.kept) for row in connection.execute(select(subscriptions))]
