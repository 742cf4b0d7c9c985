"""The data plane: links, and WebSockets through them, in a process of its own that asks the server whom to let in."""

from cove.gateway.handle import Gateway
from cove.gateway.listener import listen_on_loopback
from cove.gateway.secure import Contexts, SecureDoor, context_of

__all__ = ["Contexts", "Gateway", "SecureDoor", "context_of", "listen_on_loopback"]
