"""What the store does with quotas, and the sums that they are held against."""

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select

from cove.core.ids import TenantId
from cove.core.quotas import EVERYBODY, InUse, Quota
from cove.server.store.sessions import is_living
from cove.server.store.tables import quotas, sessions

_APPLYING = (
    select(quotas)
    .where(or_(quotas.c.tenant == bindparam("tenant"), quotas.c.tenant == EVERYBODY))
    .order_by(quotas.c.tenant == EVERYBODY)
)
"""Built once: every creation asks."""


def find_quota(connection: Connection, tenant: TenantId) -> Quota:
    """The tenant's own quota, else everybody's, else none."""
    row = connection.execute(_APPLYING, {"tenant": tenant}).first()
    return Quota() if row is None else msgspec.convert(row, Quota, from_attributes=True)


def set_quota(connection: Connection, tenant: TenantId, quota: Quota) -> None:
    """Replace the tenant's quota."""
    clear_quota(connection, tenant)
    connection.execute(insert(quotas).values(tenant=tenant, **msgspec.structs.asdict(quota)))


def clear_quota(connection: Connection, tenant: TenantId) -> None:
    """Remove the tenant's own quota, if it has one."""
    connection.execute(delete(quotas).where(quotas.c.tenant == tenant))


def tenants(connection: Connection) -> set[TenantId]:
    """Every tenant that has a quota of its own, or a living session."""
    having = connection.execute(select(quotas.c.tenant)).scalars()
    living = connection.execute(select(sessions.c.tenant).where(is_living).distinct()).scalars()
    return {TenantId(name) for name in (*having, *living)}


def in_use(connection: Connection, tenant: TenantId) -> InUse:
    """What the tenant's living sessions have together."""
    memory = func.sum(sessions.c.limits["memory_bytes"].as_integer())
    cpus = func.sum(sessions.c.limits["cpus"].as_float())
    sums = select(func.count(), func.coalesce(memory, 0), func.coalesce(cpus, 0.0))
    number, memory_bytes, processors = connection.execute(
        sums.select_from(sessions).where(sessions.c.tenant == tenant, is_living)
    ).one()
    return InUse(sessions=number, memory_bytes=memory_bytes, cpus=processors)
