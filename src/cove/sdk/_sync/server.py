"""The server itself: what it is, its images, its keys. Every method raises what refuses it."""

# Generated from _async/server.py by dev/generate.py: change that, then run `python dev/generate.py`.

from cove.core.api import Capabilities, CreateKey, Health, KeyView, NewKey
from cove.sdk._sync.transport import Transport
from cove.sdk._wire import server as wire


class Server:
    """Asks the server about itself."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def health(self) -> Health:
        """That it lives, and as which process."""
        answer = self._transport.ask(wire.health())
        return answer.get()

    def capabilities(self) -> Capabilities:
        """Its version, and what its isolation truly gives."""
        answer = self._transport.ask(wire.capabilities())
        return answer.get()

    def images(self) -> list[str]:
        """The images it serves, and their aliases."""
        answer = self._transport.ask(wire.images())
        return answer.get().images

    def list_keys(self) -> list[KeyView]:
        """The API keys of this tenant, or for an operator of all tenants, without secrets."""
        answer = self._transport.ask(wire.keys())
        return answer.get().keys

    def create_key(self, tenant: str, is_operator: bool = False) -> NewKey:
        """Make a key; its secret is shown this once. Raises OperatorOnly."""
        answer = self._transport.ask(wire.create_key(CreateKey(tenant=tenant, is_operator=is_operator)))
        return answer.get()

    def revoke_key(self, key_id: str) -> None:
        """Make a key useless. Raises KeyNotFound and OperatorOnly."""
        answer = self._transport.ask(wire.revoke_key(key_id))
        answer.get()
