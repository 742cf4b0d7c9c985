"""The way out of a session: a process of its own that answers DNS and carries TCP to what the allow list names."""

from cove.node.relay.handle import Relay
from cove.node.relay.policy import Policy, parse_entry

__all__ = ["Policy", "Relay", "parse_entry"]
