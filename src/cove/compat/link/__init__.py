"""The codec of a session's own addresses, opened by its own token: tools are called there, and there is a WebSocket."""

from cove.compat.link.dialect import Link, session_of_socket
from cove.compat.link.first import first_result

__all__ = ["Link", "first_result", "session_of_socket"]
