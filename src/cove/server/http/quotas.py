"""Routes under /v1/quotas."""

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cove.core.api import QuotaList, QuotaView
from cove.core.quotas import Quota
from cove.server.http.documents import ERRORS, OPERATOR
from cove.server.parts import Caller
from cove.server.quotas import Quotas, Standing


@get("/quotas", responses=ERRORS)
async def list_quotas(quotas: NamedDependency[Quotas], caller: NamedDependency[Caller]) -> QuotaList:
    """Every tenant's quota beside what it uses, for an operator; else the tenant's own."""
    return QuotaList(quotas=[_view(standing) for standing in await quotas.list(caller)])


@put("/quotas/{tenant:str}", responses={**ERRORS, 403: OPERATOR})
async def set_quota(
    tenant: FromPath[str],
    data: JSONBody[Quota],
    quotas: NamedDependency[Quotas],
    caller: NamedDependency[Caller],
) -> QuotaView:
    """Replace a tenant's quota. `*` is the name of all tenants that have none of their own."""
    return _view(await quotas.set(caller, tenant, data))


@delete("/quotas/{tenant:str}", status_code=200, responses={**ERRORS, 403: OPERATOR})
async def clear_quota(
    tenant: FromPath[str], quotas: NamedDependency[Quotas], caller: NamedDependency[Caller]
) -> QuotaView:
    """Remove a tenant's own quota: from now on it has that of all."""
    return _view(await quotas.clear(caller, tenant))


def _view(standing: Standing) -> QuotaView:
    return QuotaView(tenant=standing.tenant, quota=standing.quota, used=standing.used)
