"""Quotas: what each tenant may have at the same time, and what it has."""

import msgspec
import structlog
from sqlalchemy import Connection

from cove.core.errors import OperatorOnly
from cove.core.ids import TenantId
from cove.core.quotas import InUse, Quota
from cove.server.keys import check_tenant
from cove.server.parts import Caller
from cove.server.store import quotas as rows
from cove.server.store.database import Database

log = structlog.get_logger("cove.server")


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One tenant's quota, everybody's where it has none of its own, beside what it has in use."""

    tenant: TenantId
    quota: Quota
    used: InUse


class Quotas:
    """Looking at quotas, and, for operators, setting and clearing them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, caller: Caller) -> list[Standing]:
        """Every tenant that has a quota or a session, for an operator; else the caller's own."""

        def read(connection: Connection) -> list[Standing]:
            tenants = rows.tenants(connection) if caller.is_operator else {caller.tenant}
            return [_standing(connection, tenant) for tenant in sorted(tenants)]

        return await self._database.read(read)

    async def set(self, caller: Caller, tenant: str, quota: Quota) -> Standing:
        """Replace a tenant's quota (`*`: that of all who have none). What it has beyond the new one lives on."""
        _check_operator(caller, "setting a quota")
        named = check_tenant(tenant, may_be_everybody=True)

        def write(connection: Connection) -> Standing:
            rows.set_quota(connection, named, quota)
            return _standing(connection, named)

        log.info("quota set", tenant=named, **msgspec.structs.asdict(quota))
        return await self._database.write(write)

    async def clear(self, caller: Caller, tenant: str) -> Standing:
        """Remove a tenant's own quota: from now on it has everybody's."""
        _check_operator(caller, "clearing a quota")
        named = check_tenant(tenant, may_be_everybody=True)

        def write(connection: Connection) -> Standing:
            rows.clear_quota(connection, named)
            return _standing(connection, named)

        log.info("quota cleared", tenant=named)
        return await self._database.write(write)


def _standing(connection: Connection, tenant: TenantId) -> Standing:
    quota, used = rows.find_quota(connection, tenant), rows.in_use(connection, tenant)
    return Standing(tenant=tenant, quota=quota, used=used)


def _check_operator(caller: Caller, action: str) -> None:
    if not caller.is_operator:
        raise OperatorOnly(action=action, tenant=caller.tenant)
