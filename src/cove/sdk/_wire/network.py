"""Requests about what a session may reach."""

from typing import Any

import msgspec

from cove.core.api import ConnectionList, NetworkView
from cove.core.errors import InvalidInput
from cove.core.network import NetworkPolicy, check_policy
from cove.sdk._wire.messages import Request, body_of
from cove.sdk._wire.sessions import session_path


def get_network(session_id: str) -> Request[NetworkView]:
    """A session's policy."""
    return Request(method="GET", path=session_path(session_id, "network"), shape=NetworkView)


def set_network(session_id: str, network: NetworkPolicy | dict[str, Any] | str) -> Request[NetworkView]:
    """Change a session's policy; raises InvalidNetwork before anything is sent."""
    body = body_of("network", {"network": msgspec.to_builtins(check_policy(network))})
    return Request(method="PUT", path=session_path(session_id, "network"), shape=NetworkView, body=body)


def connections(session_id: str, after: int) -> Request[ConnectionList]:
    """Connections that have ended."""
    if not isinstance(after, int):
        raise InvalidInput(name="after", value=after, remedy="give a connection's number, or -N for the last N")
    path = session_path(session_id, "network", "log")
    return Request(method="GET", path=path, shape=ConnectionList, query=(("after", str(after)),))
