"""The way out of a session: a process of its own that answers DNS and carries TCP to what its policy allows."""

from cove.node.relay.audit import LogFile
from cove.node.relay.handle import Relay

__all__ = ["LogFile", "Relay"]
