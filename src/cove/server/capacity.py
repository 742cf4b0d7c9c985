"""Whether there is room for another session: in its tenant's quota, and on this machine. Asked in the transaction."""

from sqlalchemy import Connection

from cove.core.errors import MachineFull, MemoryReserved
from cove.core.limits import MIB
from cove.core.quotas import check_quota, share_of
from cove.core.session import Session
from cove.server.parts import Parts
from cove.server.store.quotas import find_quota, in_use
from cove.server.store.sessions import count_creating

START_BYTES = 64 * MIB
"""What is set aside for a session that is being made: what its guest and a first command take, doubled."""


class Capacity:
    """Says no before anything is made."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def check(self, connection: Connection, session: Session) -> None:
        """Raise QuotaExceeded or the MachineFull that there is no way round; slots are the store's to know."""
        tenant = session.tenant
        check_quota(tenant, find_quota(connection, tenant), in_use(connection, tenant), share_of(session.limits))
        self._parts.reserve.check()
        creating, most = count_creating(connection), self._parts.settings.most_creating
        if creating >= most:
            raise MachineFull(reason=f"{creating} sessions are being made at this moment, and {most} may be")
        self._check_memory(creating)

    def _check_memory(self, creating: int) -> None:
        reserve = self._parts.settings.memory_reserve_bytes
        free = self._parts.driver.free_memory() - creating * START_BYTES
        if free < reserve + START_BYTES:
            raise MemoryReserved(free_bytes=max(0, free), reserve_bytes=reserve)
