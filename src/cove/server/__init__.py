"""The control plane: sessions, keys, their store, the native HTTP API. It knows a node only by the `Driver` port."""

from cove.server.assembly import assemble
from cove.server.settings import ServerSettings

__all__ = ["ServerSettings", "assemble"]
