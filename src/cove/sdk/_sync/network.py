"""What a session may reach, and what it did."""

# Generated from _async/network.py by dev/generate.py: change that, then run `python dev/generate.py`.

from typing import Any

from cove.core.network import NetworkPolicy
from cove.sdk._sync.transport import Transport
from cove.sdk._wire import network as wire
from cove.sdk.results import ConnectionsResult, NetworkResult


class Network:
    """A session's network: `open` (all that is public), `none`, or `rules`; it may change while the session runs."""

    def __init__(self, transport: Transport, session_id: str) -> None:
        self._transport, self._session_id = transport, session_id

    def get(self) -> NetworkResult:
        """The policy that the session goes by."""
        answer = self._transport.ask(wire.get_network(self._session_id))
        return NetworkResult(**answer.facts(), policy=None if answer.error else answer.get().network)

    def set(self, network: NetworkPolicy | dict[str, Any] | str) -> NetworkResult:
        """Go by another policy from now on; open connections that it does not allow are cut.

        Takes a NetworkPolicy, a map of its fields, or its mode alone. Raises InvalidNetwork.
        """
        answer = self._transport.ask(wire.set_network(self._session_id, network))
        return NetworkResult(**answer.facts(), policy=None if answer.error else answer.get().network)

    def log(self, after: int = 0) -> ConnectionsResult:
        """Connections that have ended, oldest first: at most 200 of those whose numbers follow `after`.

        A number below 0 asks for so many of the last; `after` of the result is what to ask for next.
        """
        answer = self._transport.ask(wire.connections(self._session_id, after))
        if answer.error is not None:
            return ConnectionsResult(**answer.facts(), after=after)
        found = answer.get()
        return ConnectionsResult(**answer.facts(), connections=list(found.connections), after=found.after)
