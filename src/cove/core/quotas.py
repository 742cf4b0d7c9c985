"""How much one tenant may have at the same time: pure arithmetic over what its living sessions may use."""

from typing import Annotated

import msgspec

from cove.core.errors import QuotaExceeded
from cove.core.ids import TenantId
from cove.core.limits import Limits

MOST = 2**53
"""Beyond it, numbers in JSON are not exact everywhere."""
EVERYBODY = TenantId("*")
"""The name under which the quota of every tenant stands that has none of its own."""


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that a tenant's living sessions, paused ones too, may have together; None is no bound.

    `memory_bytes` and `cpus` are sums of the sessions' limits, not of what they happen to use.
    """

    sessions: Annotated[int, msgspec.Meta(ge=0, le=MOST)] | None = None
    memory_bytes: Annotated[int, msgspec.Meta(ge=0, le=MOST)] | None = None
    cpus: Annotated[float, msgspec.Meta(ge=0, le=1e6)] | None = None


class InUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's living sessions have together."""

    sessions: int = 0
    memory_bytes: int = 0
    cpus: float = 0.0


def share_of(limits: Limits) -> InUse:
    """What one session with these limits adds."""
    return InUse(sessions=1, memory_bytes=limits.memory_bytes, cpus=limits.cpus)


def check_quota(tenant: TenantId, quota: Quota, used: InUse, wanted: InUse) -> None:
    """Raise QuotaExceeded if `wanted` on top of `used` is more than the quota gives.

    >>> check_quota(TenantId("blue"), Quota(sessions=1), InUse(sessions=1), InUse(sessions=1))
    Traceback (most recent call last):
    cove.core.errors.QuotaExceeded: tenant 'blue' uses 1 of its 1 sessions, and wants 1 more: end a session with \
`cove session delete ID`, ask for less, or let an operator raise it: `cove quota set blue sessions=AMOUNT`
    """
    for what in Quota.__struct_fields__:
        limit, has, asks = getattr(quota, what), getattr(used, what), getattr(wanted, what)
        if limit is not None and has + asks > limit:
            raise QuotaExceeded(tenant=tenant, what=what, used=has, limit=limit, wanted=asks)
