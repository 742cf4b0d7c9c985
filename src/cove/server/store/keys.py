"""What the store does with API keys: it knows their digests, never the keys."""

from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from cove.core.ids import KeyId, TenantId
from cove.server.store.tables import keys


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `digest` is the SHA-256 of the whole key, `prefix` what may be shown of it."""

    id: KeyId
    tenant: TenantId
    is_operator: bool
    prefix: str
    digest: str
    created_at: float
    revoked_at: float | None = None
    expires_at: float | None = None
    name: str = ""


def add_key(connection: Connection, key: Key) -> Key:
    """Insert a key, and give it back."""
    connection.execute(insert(keys).values(msgspec.to_builtins(key)))
    return key


def get_key(connection: Connection, key_id: KeyId) -> Key | None:
    """The key with this id, revoked or not."""
    row = connection.execute(select(keys).where(keys.c.id == key_id)).first()
    return None if row is None else _key(row)


def find_key(connection: Connection, digest: str) -> Key | None:
    """The key with this digest, revoked or not."""
    row = connection.execute(select(keys).where(keys.c.digest == digest)).first()
    return None if row is None else _key(row)


def all_keys(connection: Connection) -> list[Key]:
    """Every key, oldest first."""
    rows = connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))
    return [_key(row) for row in rows]


def revoke_key(connection: Connection, key_id: KeyId, now: float) -> Key | None:
    """Mark a key as revoked, from its first revocation on; None where there is no such key."""
    living = keys.c.id == key_id, keys.c.revoked_at.is_(None)
    connection.execute(update(keys).where(*living).values(revoked_at=now))
    return get_key(connection, key_id)


def expire_key(connection: Connection, key_id: KeyId, at: float) -> None:
    """Let the key work until then."""
    connection.execute(update(keys).where(keys.c.id == key_id).values(expires_at=at))


def _key(row: Any) -> Key:
    return msgspec.convert(row, Key, from_attributes=True)
