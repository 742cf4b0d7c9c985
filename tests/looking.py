"""Looking at a terminal over the wire itself, with somebody else's WebSocket client."""

from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect, unix_connect

PATIENCE = 60.0
_PLAIN: dict[str, Any] = {
    "compression": None,
    "legacy": True,
    "max_queue": 4,
    "open_timeout": PATIENCE,
    "close_timeout": 1,
}


class Look:
    """One WebSocket on a terminal: what it showed, and what the server said besides."""

    def __init__(self, endpoint: str, session: str, query: str = "", key: str = "") -> None:
        headers = {"additional_headers": {"Authorization": f"Bearer {key}"} if key else {}, **_PLAIN}
        path = f"/v1/sessions/{session}/terminal?{query}"
        self.socket: ClientConnection
        if endpoint.startswith("unix://"):
            self.socket = unix_connect(endpoint.removeprefix("unix://"), f"ws://cove{path}", **headers)
        else:
            self.socket = connect(endpoint.replace("http", "ws", 1) + path, **headers)
        self.shown = b""
        self.said: list[dict[str, Any]] = []

    def look(self) -> bool:
        """Wait for more; False at the end."""
        try:
            message = self.socket.recv(PATIENCE)
        except ConnectionClosed:
            return False
        if isinstance(message, bytes):
            self.shown += message
        else:
            self.said.append(msgspec.json.decode(message))
        return True

    def until(self, text: bytes) -> bytes:
        """What was shown, once `text` is in it."""
        while text not in self.shown:
            assert self.look(), (self.said, self.shown[-500:])
        return self.shown

    def told(self, kind: str) -> dict[str, Any]:
        """The message of this kind, once it has come."""
        while kind not in [one["type"] for one in self.said]:
            assert self.look(), (self.said, self.shown[-500:])
        return next(one for one in self.said if one["type"] == kind)

    def end(self) -> dict[str, Any]:
        """What was said last."""
        while self.look():
            pass
        return self.said[-1]

    def type(self, text: str) -> None:
        self.socket.send(text.encode())

    def say(self, **message: Any) -> None:
        self.socket.send(msgspec.json.encode(message).decode())

    @property
    def id(self) -> str:
        return str(self.told("opened")["terminal_id"])

    def close(self) -> None:
        self.socket.close()
