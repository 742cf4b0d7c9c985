"""Bodies that are read before anybody is known, since some clients show their key there: each bounded, and all of them.

What waits in memory for a sender who is slow must not be what strangers like to send, times their connections.
"""

from litestar.types import Receive, Scope

from cove.core.errors import Exhausted, InvalidInput

MOST_BYTES = 16 * 1024 * 1024
"""Of one body."""
SMALL_BYTES = 256 * 1024
"""What any body may have, whatever else is being received."""


class Bodies:
    """Reads all of a server's. Those that are being received hold `most` bytes together, beyond what each may have."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body, None if its sender went away; raises InvalidInput for a long one, and Exhausted."""
        _check_length(next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0))
        body = bytearray()
        taken = 0
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                _check_length(len(body))
                if not message.get("more_body", False):
                    return bytes(body)
                taken += self._take(max(len(body) - SMALL_BYTES - taken, 0))
        finally:
            self._waiting -= taken

    def _take(self, size: int) -> int:
        if self._waiting + size > self._most:
            raise Exhausted(reason="too many large requests are being received; ask again in a few seconds")
        self._waiting += size
        return size


def _check_length(size: int) -> None:
    if size > MOST_BYTES:
        raise InvalidInput(name="body", value=f"{size} bytes", remedy=f"send at most {MOST_BYTES} in one request")
