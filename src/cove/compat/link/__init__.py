"""The codec of a session's own addresses, opened by its own token: tools are called there, and there is a WebSocket."""

from cove.compat.link.dialect import Link, session_of_socket

__all__ = ["Link", "session_of_socket"]
