"""What the store does with sessions. Functions of a connection; each runs inside one `Database.read` or `.write`."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, tuple_, update

from cove.core.errors import TooManySessions
from cove.core.ids import SessionId, TenantId
from cove.core.session import ENDED, Move, Session, State, next_state, refusal
from cove.server.store.tables import sessions

_ENDED = [state.value for state in ENDED]
is_living = sessions.c.state.not_in(_ENDED)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions a list is about; None means any. Ended ones are left out unless `status` names their state."""

    tenant: TenantId | None = None
    labels: dict[str, str] = {}
    status: State | None = None
    image_id: str | None = None


def find(connection: Connection, session_id: SessionId) -> Session | None:
    """The session, living or ended."""
    row = connection.execute(select(sessions).where(sessions.c.id == session_id)).first()
    return None if row is None else _session(row)


def find_created(connection: Connection, tenant: TenantId, create_key: str) -> Session | None:
    """The session that this tenant made under this idempotency key."""
    where = and_(sessions.c.tenant == tenant, sessions.c.create_key == create_key)
    row = connection.execute(select(sessions).where(where)).first()
    return None if row is None else _session(row)


def free_create_key(connection: Connection, session: Session) -> None:
    """Let the session's create key make another one; of an ended session, which nobody changes any more."""
    connection.execute(update(sessions).where(sessions.c.id == session.id).values(create_key=None))


def oldest(connection: Connection, wanted: Wanted) -> Session | None:
    """The oldest session that is as wanted and is not about to end."""
    where = [*_where(wanted), sessions.c.state != State.DELETING.value]
    row = connection.execute(select(sessions).where(*where).order_by(sessions.c.created_at, sessions.c.id)).first()
    return None if row is None else _session(row)


def add(connection: Connection, session: Session, slots: int) -> Session:
    """Insert a session in the first free slot; raises TooManySessions."""
    slot = _free_slot(connection)
    if slot >= slots:
        raise TooManySessions(limit=slots)
    session = msgspec.structs.replace(session, slot=slot)
    connection.execute(insert(sessions).values(msgspec.to_builtins(session)))
    return session


def _free_slot(connection: Connection) -> int:
    taken = select(sessions.c.slot).where(is_living)
    after = select((sessions.c.slot + 1).label("slot")).where(is_living)
    if not connection.execute(select(exists(taken.where(sessions.c.slot == 0)))).scalar():
        return 0
    candidates = after.subquery()
    free = select(func.min(candidates.c.slot)).where(candidates.c.slot.not_in(taken))
    return int(connection.execute(free).scalar_one())


def move(connection: Connection, session: Session, step: Move, **changes: Any) -> Session:
    """Make a move if the session still is as `session` says; raises WrongState, with the state it has by now."""
    target = next_state(session, step)
    moved = msgspec.structs.replace(session, state=target, version=session.version + 1, **changes)
    values = {name: msgspec.to_builtins(getattr(moved, name)) for name in ("state", "version", *changes)}
    return _replace(connection, session, moved, values, step.value)


def change(connection: Connection, session: Session, **changes: Any) -> Session:
    """Change what is not the state, under the same condition as `move`."""
    changed = msgspec.structs.replace(session, version=session.version + 1, **changes)
    values = {"version": changed.version, **{name: msgspec.to_builtins(value) for name, value in changes.items()}}
    return _replace(connection, session, changed, values, "be changed")


def _replace(connection: Connection, old: Session, new: Session, values: dict[str, Any], wanted: str) -> Session:
    unchanged = and_(sessions.c.id == old.id, sessions.c.state == old.state.value, sessions.c.version == old.version)
    if connection.execute(update(sessions).where(unchanged).values(values)).rowcount != 1:
        raise refusal(find(connection, old.id) or old, wanted)
    return new


def living(connection: Connection) -> list[Session]:
    """Every session that has not ended."""
    return [_session(row) for row in connection.execute(select(sessions).where(is_living))]


def page(
    connection: Connection, wanted: Wanted, limit: int, after: tuple[float, str] | None
) -> tuple[list[Session], int]:
    """At most `limit` sessions, newest first, older than `after` (created_at, id); and how many there are in all."""
    where = _where(wanted)
    total = connection.execute(select(func.count()).select_from(sessions).where(*where)).scalar_one()
    if after is not None:
        where.append(tuple_(sessions.c.created_at, sessions.c.id) < tuple_(*after))
    newest = select(sessions).where(*where).order_by(sessions.c.created_at.desc(), sessions.c.id.desc()).limit(limit)
    return [_session(row) for row in connection.execute(newest)], total


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [_has_label(name, value) for name, value in wanted.labels.items()]
    where.append(is_living if wanted.status is None else sessions.c.state == wanted.status.value)
    if wanted.tenant is not None:
        where.append(sessions.c.tenant == wanted.tenant)
    if wanted.image_id is not None:
        where.append(sessions.c.image_id == wanted.image_id)
    return where


def _has_label(name: str, value: str) -> ColumnElement[bool]:
    # PostgreSQL spells it json_each_text; the columns are the same.
    label = func.json_each(sessions.c.labels).table_valued("key", "value")
    return exists(select(1).select_from(label).where(label.c.key == name, label.c.value == value))


def forget_ended(connection: Connection, before: float) -> int:
    """Delete the rows of sessions that ended before then; gives their number."""
    old = and_(or_(*(sessions.c.state == state for state in _ENDED)), sessions.c.ended_at < before)
    return connection.execute(delete(sessions).where(old)).rowcount


def _session(row: Any) -> Session:
    return msgspec.convert(row, Session, from_attributes=True)
