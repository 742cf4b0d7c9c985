"""API keys: `cove_<id>_<secret>`, 256 random bits, shown once and stored as a SHA-256."""

import hashlib
import secrets
from collections.abc import Callable

from cove.core.errors import InvalidInput, InvalidSetting, KeyInvalid, KeyNotFound, OperatorOnly
from cove.core.ids import KeyId, TenantId, text_id
from cove.core.quotas import EVERYBODY
from cove.server.parts import Caller
from cove.server.store.database import Database
from cove.server.store.keys import Key, add_key, all_keys, find_key, revoke_key

LOCAL = TenantId("local")
"""The tenant of this machine's own users and of the first key."""
_SHORTEST_GIVEN = 16
_LONGEST_TENANT = 100


class Keys:
    """Making, checking and revoking keys."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._seen: dict[str, Key] = {}  # by digest; a revocation begins a new one

    async def authenticate(self, secret: str) -> Caller:
        """Whose key this is; raises KeyInvalid."""
        digest, seen = _digest(secret), self._seen
        key = seen.get(digest) or await self._database.read(lambda connection: find_key(connection, digest))
        if key is None:
            raise KeyInvalid(problem="unknown")
        if key.revoked_at is not None:
            raise KeyInvalid(problem="revoked")
        seen[digest] = key
        return Caller(tenant=key.tenant, is_operator=key.is_operator)

    async def create(self, caller: Caller, tenant: str, *, is_operator: bool = False) -> tuple[Key, str]:
        """A new key and its secret, which nobody can ask for again; operators only."""
        _check_operator(caller, "making a key")
        return await self._add(check_tenant(tenant), is_operator=is_operator)

    async def list(self, caller: Caller) -> list[Key]:
        """Every key, for an operator; else the tenant's own."""
        found = await self._database.read(all_keys)
        return [key for key in found if caller.is_operator or key.tenant == caller.tenant]

    async def revoke(self, caller: Caller, key_id: str) -> Key:
        """End a key for good; operators only. Revoking twice keeps the first time."""
        _check_operator(caller, "revoking a key")
        now = self._clock()
        key = await self._database.write(lambda connection: revoke_key(connection, KeyId(key_id), now))
        self._seen = {}
        if key is None:
            raise KeyNotFound(key_id=key_id)
        return key

    async def ensure_first(self, given: str | None, on_first_key: Callable[[str], None]) -> None:
        """See to it that an operator's key exists: the one given, or, in an empty store, one made and told."""
        if given is not None:
            await self._ensure_given(given)
        elif not await self._database.read(all_keys):
            _, secret = await self._add(LOCAL, is_operator=True)
            on_first_key(secret)

    async def _ensure_given(self, secret: str) -> None:
        if len(secret) < _SHORTEST_GIVEN or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise InvalidSetting(
                name="COVE_API_KEY",
                value=f"a text of {len(secret)} characters",
                remedy=f"give at least {_SHORTEST_GIVEN} printable ASCII characters without spaces",
            )
        digest = _digest(secret)
        if await self._database.read(lambda connection: find_key(connection, digest)) is None:
            await self._add(LOCAL, is_operator=True, secret=secret)

    async def _add(self, tenant: TenantId, *, is_operator: bool, secret: str | None = None) -> tuple[Key, str]:
        name = text_id("k", secrets.token_bytes(5))
        prefix = f"cove_{name}" if secret is None else f"{secret[:4]}…"
        secret = secret or f"{prefix}_{secrets.token_urlsafe(32)}"
        key = Key(
            id=KeyId(name),
            tenant=tenant,
            is_operator=is_operator,
            prefix=prefix,
            digest=_digest(secret),
            created_at=self._clock(),
        )
        await self._database.write(lambda connection: add_key(connection, key))
        return key, secret


def check_tenant(name: str, *, may_be_everybody: bool = False) -> TenantId:
    """The name as a tenant's; raises InvalidInput. `*` is the name of everybody, and nobody's own."""
    if not 1 <= len(name) <= _LONGEST_TENANT or not name.isprintable() or not name.strip():
        raise InvalidInput(name="tenant", value=name[:40], remedy=f"give 1 to {_LONGEST_TENANT} printable characters")
    if name == EVERYBODY and not may_be_everybody:
        raise InvalidInput(name="tenant", value=name, remedy="it is the name of all tenants; give another")
    return TenantId(name)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _check_operator(caller: Caller, action: str) -> None:
    if not caller.is_operator:
        raise OperatorOnly(action=action, tenant=caller.tenant)
