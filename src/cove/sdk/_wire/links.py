"""Requests about a session's links."""

from typing import Any

from cove.core.api import LinkList, LinksRevoked, LinkView
from cove.sdk._wire.messages import Request, body_of, segment
from cove.sdk._wire.sessions import positive, session_path


def create(session_id: str, protocol_type: Any, port: Any, options: Any, expires_in: float | None) -> Request[LinkView]:
    """Ask for a link. The server checks what is wanted; one that expires is never asked for twice."""
    wanted = {
        "protocol_type": protocol_type,
        "port": port,
        "options": options,
        "expires_in": positive("expires_in", expires_in),
    }
    return Request(
        method="POST",
        path=session_path(session_id, "links"),
        shape=LinkView,
        body=body_of("port", {name: value for name, value in wanted.items() if value is not None}),
        repeatable=expires_in is None,
    )


def listed(session_id: str) -> Request[LinkList]:
    """The links that open something."""
    return Request(method="GET", path=session_path(session_id, "links"), shape=LinkList)


def revoke(session_id: str, link_id: str | None) -> Request[LinksRevoked]:
    """Take one link back, or every one."""
    rest = () if link_id is None else (segment("link_id", link_id),)
    return Request(method="DELETE", path=session_path(session_id, "links", *rest), shape=LinksRevoked)
