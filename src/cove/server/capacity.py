"""Whether there is room for another session: in its tenant's quota, and on this machine. Asked in the transaction."""

from sqlalchemy import Connection

from cove.core.errors import MachineFull, MemoryReserved
from cove.core.limits import MIB
from cove.core.quotas import Quota, check_quota, share_of
from cove.core.session import Session
from cove.server.parts import Parts
from cove.server.store.quotas import find_quota, in_use

START_BYTES = 64 * MIB
"""What is set aside for a session that is being made: what its guest and a first command take, doubled."""


class Capacity:
    """Says no before anything is made."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def check(self, connection: Connection, session: Session, creating: int) -> None:
        """Raise QuotaExceeded, or the MachineFull that applies while `creating` others are being made.

        Slots are the store's to know.
        """
        tenant = session.tenant
        if (quota := find_quota(connection, tenant)) != Quota():
            check_quota(tenant, quota, in_use(connection, tenant), share_of(session.limits))
        self._parts.reserve.check()
        most = self._parts.settings.most_creating
        if creating >= most:
            raise MachineFull(reason=f"{creating} sessions are being made at this moment, and {most} may be")
        self._check_memory(creating)

    def _check_memory(self, creating: int) -> None:
        reserve = self._parts.settings.memory_reserve_bytes
        free = self._parts.driver.free_memory() - creating * START_BYTES
        if free < reserve + START_BYTES:
            raise MemoryReserved(free_bytes=max(0, free), reserve_bytes=reserve)
