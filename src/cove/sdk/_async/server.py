"""The server itself: what it is, its images, its keys, its tenants' quotas. Every method raises what refuses it."""

from cove.core.api import Capabilities, CreateKey, Health, KeyView, NewKey, QuotaView
from cove.core.quotas import Quota
from cove.sdk._async.transport import AsyncTransport
from cove.sdk._wire import server as wire


class AsyncServer:
    """Asks the server about itself."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport

    async def health(self) -> Health:
        """That it lives, and as which process."""
        answer = await self._transport.ask(wire.health())
        return answer.get()

    async def capabilities(self) -> Capabilities:
        """Its version, and what its isolation truly gives."""
        answer = await self._transport.ask(wire.capabilities())
        return answer.get()

    async def images(self) -> list[str]:
        """The images it serves, and their aliases."""
        answer = await self._transport.ask(wire.images())
        return answer.get().images

    async def list_keys(self) -> list[KeyView]:
        """The API keys of this tenant, or for an operator of all tenants, without secrets."""
        answer = await self._transport.ask(wire.keys())
        return answer.get().keys

    async def create_key(
        self, tenant: str, is_operator: bool = False, *, name: str = "", expires_in: float | None = None
    ) -> NewKey:
        """Make a key; its secret is shown this once. `expires_in` is seconds. Raises OperatorOnly."""
        wanted = CreateKey(tenant=tenant, is_operator=is_operator, name=name, expires_in=expires_in)
        answer = await self._transport.ask(wire.create_key(wanted))
        return answer.get()

    async def rotate_key(self, key_id: str, overlap: float | None = None) -> NewKey:
        """Make a key in the place of another, which works for `overlap` more seconds (a day). Raises KeyNotFound."""
        answer = await self._transport.ask(wire.rotate_key(key_id, overlap))
        return answer.get()

    async def revoke_key(self, key_id: str) -> None:
        """Make a key useless. Raises KeyNotFound and OperatorOnly."""
        answer = await self._transport.ask(wire.revoke_key(key_id))
        answer.get()

    async def list_quotas(self) -> list[QuotaView]:
        """The quota and use of this tenant, or for an operator of all tenants."""
        answer = await self._transport.ask(wire.quotas())
        return answer.get().quotas

    async def set_quota(self, tenant: str, quota: Quota) -> QuotaView:
        """Replace a tenant's quota; `*` names that of all tenants without one. Raises OperatorOnly."""
        answer = await self._transport.ask(wire.set_quota(tenant, quota))
        return answer.get()

    async def clear_quota(self, tenant: str) -> QuotaView:
        """Remove a tenant's own quota. Raises OperatorOnly."""
        answer = await self._transport.ask(wire.clear_quota(tenant))
        return answer.get()
