"""Holds back a TLS client's first bytes until they name the host that the connection is for."""

from collections.abc import Callable

from cove.node.relay.tls import Unfinished, server_name

_MOST_PIECES = 64
"""A hello comes in a few pieces; one that dribbles in would cost us a look at each."""


class HelloGate:
    """Call it with what the session sends: bytes that may go on, or None once the hello names a host it may not."""

    def __init__(self, is_allowed: Callable[[str], bool]) -> None:
        self._is_allowed = is_allowed
        self._held = bytearray()
        self._pieces = 0
        self._is_open = False

    def __call__(self, data: bytes) -> bytes | None:
        """What may go on now."""
        if self._is_open:
            return data
        self._held += data
        self._pieces += 1
        try:
            named = server_name(bytes(self._held))
        except Unfinished:
            return b"" if self._pieces < _MOST_PIECES else None
        self._is_open = True
        return bytes(self._held) if named is None or self._is_allowed(named) else None
