"""The server itself: what it is, its images, its keys, its tenants' quotas. Every method raises what refuses it."""

# Generated from _async/server.py by dev/generate.py: change that, then run `python dev/generate.py`.

from cove.core.api import Capabilities, CreateKey, Health, KeyView, NewKey, QuotaView
from cove.core.quotas import Quota
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

    def create_key(
        self, tenant: str, is_operator: bool = False, *, name: str = "", expires_in: float | None = None
    ) -> NewKey:
        """Make a key; its secret is shown this once. `expires_in` is seconds. Raises OperatorOnly."""
        wanted = CreateKey(tenant=tenant, is_operator=is_operator, name=name, expires_in=expires_in)
        answer = self._transport.ask(wire.create_key(wanted))
        return answer.get()

    def rotate_key(self, key_id: str, overlap: float | None = None) -> NewKey:
        """Make a key in the place of another, which works for `overlap` more seconds (a day). Raises KeyNotFound."""
        answer = self._transport.ask(wire.rotate_key(key_id, overlap))
        return answer.get()

    def revoke_key(self, key_id: str) -> None:
        """Make a key useless. Raises KeyNotFound and OperatorOnly."""
        answer = self._transport.ask(wire.revoke_key(key_id))
        answer.get()

    def list_quotas(self) -> list[QuotaView]:
        """The quota and use of this tenant, or for an operator of all tenants."""
        answer = self._transport.ask(wire.quotas())
        return answer.get().quotas

    def set_quota(self, tenant: str, quota: Quota) -> QuotaView:
        """Replace a tenant's quota; `*` names that of all tenants without one. Raises OperatorOnly."""
        answer = self._transport.ask(wire.set_quota(tenant, quota))
        return answer.get()

    def clear_quota(self, tenant: str) -> QuotaView:
        """Remove a tenant's own quota. Raises OperatorOnly."""
        answer = self._transport.ask(wire.clear_quota(tenant))
        return answer.get()
