"""The server itself: what it is, its images, its keys. Every method raises what refuses it."""

from cove.core.api import Capabilities, CreateKey, Health, KeyView, NewKey
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

    async def create_key(self, tenant: str, is_operator: bool = False) -> NewKey:
        """Make a key; its secret is shown this once. Raises OperatorOnly."""
        answer = await self._transport.ask(wire.create_key(CreateKey(tenant=tenant, is_operator=is_operator)))
        return answer.get()

    async def revoke_key(self, key_id: str) -> None:
        """Make a key useless. Raises KeyNotFound and OperatorOnly."""
        answer = await self._transport.ask(wire.revoke_key(key_id))
        answer.get()
