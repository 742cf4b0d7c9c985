"""API keys: `cove_<id>_<secret>`, 256 random bits, shown once and stored as a SHA-256."""

import hashlib
import secrets
from collections.abc import Callable

import msgspec
import structlog
from sqlalchemy import Connection

from cove.core.errors import InvalidInput, InvalidSetting, KeyInvalid, KeyNotFound, OperatorOnly
from cove.core.ids import KeyId, TenantId, text_id
from cove.core.quotas import EVERYBODY
from cove.server.parts import Caller, Checkpoint, no_checkpoint
from cove.server.store import keys as rows
from cove.server.store.database import Database
from cove.server.store.keys import Key

LOCAL = TenantId("local")
"""The tenant of this machine's own users and of the first key."""
USUAL_OVERLAP = 86400.0
"""Seconds for which a key still works after its rotation, where nothing else is asked for."""
_SHORTEST_GIVEN = 16
_LONGEST_NAME = 100
_LONGEST_LIFE = 10 * 366 * 86400.0
log = structlog.get_logger("cove.server")


class Keys:
    """Making, checking, rotating and revoking keys."""

    def __init__(self, database: Database, clock: Callable[[], float], checkpoint: Checkpoint = no_checkpoint) -> None:
        self._database = database
        self._clock = clock
        self._checkpoint = checkpoint
        self._seen: dict[str, Key] = {}  # by digest; whatever changes a key begins a new one

    async def authenticate(self, secret: str) -> Caller:
        """Whose key this is; raises KeyInvalid."""
        digest, seen = _digest(secret), self._seen
        key = seen.get(digest) or await self._database.read(lambda connection: rows.find_key(connection, digest))
        if key is None:
            raise KeyInvalid(problem="unknown")
        if problem := _problem(key, self._clock()):
            raise KeyInvalid(problem=problem)
        seen[digest] = key
        return Caller(tenant=key.tenant, is_operator=key.is_operator)

    async def create(
        self,
        caller: Caller,
        tenant: str,
        *,
        is_operator: bool = False,
        name: str = "",
        expires_in: float | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which nobody can ask for again; operators only. `expires_in` is seconds."""
        _check_operator(caller, "making a key")
        now = self._clock()
        expires_at = None if expires_in is None else now + _seconds("expires_in", expires_in, least=1.0)
        key, secret = _new_key(check_tenant(tenant), now)
        key = msgspec.structs.replace(key, is_operator=is_operator, name=_check_name(name), expires_at=expires_at)
        return await self._add(key), secret

    async def list(self, caller: Caller) -> list[Key]:
        """Every key, for an operator; else the tenant's own."""
        found = await self._database.read(rows.all_keys)
        return [key for key in found if caller.is_operator or key.tenant == caller.tenant]

    async def rotate(self, caller: Caller, key_id: str, overlap: float = USUAL_OVERLAP) -> tuple[Key, str]:
        """A key in the place of another: same tenant, same rights, as long a life; the old one expires in `overlap` s.

        Both are written in one transaction. Operators only; raises KeyNotFound, and InvalidInput for a dead key.
        """
        _check_operator(caller, "rotating a key")
        now, ends_in = self._clock(), _seconds("overlap", overlap)
        fresh, secret = _new_key(LOCAL, now)

        def write(connection: Connection) -> Key:
            old = rows.get_key(connection, KeyId(key_id))
            if old is None:
                raise KeyNotFound(key_id=key_id)
            if problem := _problem(old, now):
                raise InvalidInput(
                    name="key_id", value=key_id, remedy=f"it is {problem}; make one with `cove key create`"
                )
            rows.expire_key(connection, old.id, min(now + ends_in, old.expires_at or now + ends_in))
            return rows.add_key(connection, _successor(old, fresh))

        key = await self._database.write(write)
        self._seen = {}
        self._checkpoint("key.rotated")
        log.info("key rotated", key_id=key_id, successor=key.id, overlap=ends_in)
        return key, secret

    async def revoke(self, caller: Caller, key_id: str) -> Key:
        """End a key for good; operators only. Revoking twice keeps the first time."""
        _check_operator(caller, "revoking a key")
        now = self._clock()
        key = await self._database.write(lambda connection: rows.revoke_key(connection, KeyId(key_id), now))
        self._seen = {}
        if key is None:
            raise KeyNotFound(key_id=key_id)
        self._checkpoint("key.revoked")
        log.info("key revoked", key_id=key_id)
        return key

    async def ensure_first(self, given: str | None, on_first_key: Callable[[str], None]) -> None:
        """See to it that an operator's key exists: the one given, or, in an empty store, one made and told."""
        if given is not None:
            await self._ensure_given(given)
        elif not await self._database.read(rows.all_keys):
            key, secret = _new_key(LOCAL, self._clock())
            await self._add(msgspec.structs.replace(key, is_operator=True, name="first"))
            on_first_key(secret)

    async def _ensure_given(self, secret: str) -> None:
        if len(secret) < _SHORTEST_GIVEN or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise InvalidSetting(
                name="COVE_API_KEY",
                value=f"a text of {len(secret)} characters",
                remedy=f"give at least {_SHORTEST_GIVEN} printable ASCII characters without spaces",
            )
        digest = _digest(secret)
        there = await self._database.read(lambda connection: rows.find_key(connection, digest))
        if there is None:
            key, _ = _new_key(LOCAL, self._clock())
            given = {"prefix": f"{secret[:4]}…", "digest": digest, "is_operator": True, "name": "COVE_API_KEY"}
            await self._add(msgspec.structs.replace(key, **given))
        elif problem := _problem(there, self._clock()):
            log.warning("COVE_API_KEY lets nobody in", key_id=there.id, problem=problem)

    async def _add(self, key: Key) -> Key:
        await self._database.write(lambda connection: rows.add_key(connection, key))
        self._checkpoint("key.created")
        log.info("key made", key_id=key.id, tenant=key.tenant, is_operator=key.is_operator)
        return key


def check_tenant(name: str, *, may_be_everybody: bool = False) -> TenantId:
    """The name as a tenant's; raises InvalidInput. `*` is the name of everybody, and nobody's own."""
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable() or not name.strip():
        raise InvalidInput(name="tenant", value=name[:40], remedy=f"give 1 to {_LONGEST_NAME} printable characters")
    if name == EVERYBODY and not may_be_everybody:
        raise InvalidInput(name="tenant", value=name, remedy="it is the name of all tenants; give another")
    return TenantId(name)


def _new_key(tenant: TenantId, now: float) -> tuple[Key, str]:
    """A tenant's key that is not stored yet, and its secret."""
    name = text_id("k", secrets.token_bytes(5))
    secret = f"cove_{name}_{secrets.token_urlsafe(32)}"
    key = Key(
        id=KeyId(name),
        tenant=tenant,
        is_operator=False,
        prefix=f"cove_{name}",
        digest=_digest(secret),
        created_at=now,
    )
    return key, secret


def _successor(old: Key, fresh: Key) -> Key:
    """What `fresh` is as the successor of `old`."""
    life = None if old.expires_at is None else fresh.created_at + (old.expires_at - old.created_at)
    return msgspec.structs.replace(
        fresh, tenant=old.tenant, is_operator=old.is_operator, name=old.name, expires_at=life
    )


def _problem(key: Key, now: float) -> str:
    """Why the key lets nobody in now; empty if it does."""
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else ""


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_operator(caller: Caller, action: str) -> None:
    if not caller.is_operator:
        raise OperatorOnly(action=action, tenant=caller.tenant)


def _check_name(name: str) -> str:
    if len(name) > _LONGEST_NAME or (name and not name.isprintable()):
        raise InvalidInput(name="name", value=name[:40], remedy=f"give at most {_LONGEST_NAME} printable characters")
    return name


def _seconds(name: str, value: float, least: float = 0.0) -> float:
    """The number of seconds if it is one that can be meant; raises InvalidInput."""
    if not least <= value <= _LONGEST_LIFE:
        raise InvalidInput(name=name, value=value, remedy=f"give seconds, {least:.0f} to {_LONGEST_LIFE:.0f}")
    return float(value)
