"""A client of a session's WebSocket that speaks as the official ones do."""

import itertools
import json
import socket
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

SERVER = "wuying_filesystem"
PATIENCE = 20.0
_numbers = itertools.count(1)


class SocketClient:
    """One connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.pushed: list[dict[str, Any]] = []

    def send(self, method: str, target: str = SERVER, **params: Any) -> str:
        invocation_id = f"{next(_numbers):032x}"
        data = {"method": method, "params": params}
        message = {"invocationId": invocation_id, "source": "SDK", "target": target, "data": data}
        self.connection.send(json.dumps(message))
        return invocation_id

    def next(self, patience: float = PATIENCE) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.connection.recv(patience))
        assert found["target"] == "SDK"
        assert found["invocationId"]
        return found

    def ask(self, method: str, target: str = SERVER, **params: Any) -> dict[str, Any]:
        """The answer; what is pushed meanwhile is kept."""
        invocation_id = self.send(method, target, **params)
        while (found := self.next())["invocationId"] != invocation_id:
            self.pushed.append(found)
        return found

    def watch(self, path: str) -> dict[str, Any]:
        return dict(self.ask("subscribe_file_change", path=path)["data"])

    def told(self, count: int) -> list[tuple[str, str]]:
        """So many changes, as they are pushed."""
        events: list[dict[str, str]] = []
        while len(events) < count:
            push = self.pushed.pop(0) if self.pushed else self.next()
            assert (push["source"], push["data"]["eventType"]) == (SERVER, "file_change")
            events += push["data"]["events"]
        return [(event["eventType"], event["path"]) for event in events]

    def await_told(self, path: str, patience: float = PATIENCE) -> None:
        """Read what is pushed until this path is in it; raises TimeoutError."""
        while path not in {event["path"] for event in self.next(patience)["data"]["events"]}:
            pass

    def end(self) -> int:
        """Wait until the connection ends; the code."""
        try:
            while True:
                self.connection.recv(PATIENCE)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def vanish(self) -> None:
        """Be gone without a word."""
        self.connection.socket.shutdown(socket.SHUT_RDWR)
