"""Who asks over HTTP: bytes over sockets, so that what is measured is the one who answers."""

import re
import selectors
import socket

import msgspec

PATIENCE = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"


class Target(msgspec.Struct, frozen=True):
    """Where a server is, and below which path."""

    address: tuple[str, int]
    prefix: str = ""

    def request(self, path: str, *fields: str, body: bytes | None = None) -> bytes:
        """A GET; with a body, a POST."""
        host = f"Host: {self.address[0]}:{self.address[1]}"
        method, length = ("GET", ()) if body is None else ("POST", (f"Content-Length: {len(body)}",))
        lines = [f"{method} {self.prefix}{path} HTTP/1.1", host, *fields, *length, "", ""]
        return "\r\n".join(lines).encode() + (body or b"")

    def connect(self) -> socket.socket:
        """A connection."""
        connected = socket.create_connection(self.address, timeout=PATIENCE)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected


def answer_length(held: bytes) -> int | None:
    """How long the answer is that begins so, head and body; None where the head is not all here."""
    end = held.find(_HEAD_END)
    if end < 0:
        return None
    found = _LENGTH.search(held, 0, end)
    return end + len(_HEAD_END) + (int(found[1]) if found else 0)


class Caller:
    """One connection, which asks, waits, and asks again."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connected: socket.socket | None = None

    def ask(self, request: bytes) -> bytes:
        """The answer; a connection that the server closed after the one before is made anew."""
        connected = self._connected or self._target.connect()
        connected.sendall(request)
        answer = b""
        while (length := answer_length(answer)) is None or len(answer) < length:
            data = connected.recv(65536)
            assert data, f"the server hung up after {answer[:200]!r}"
            answer += data
        assert answer.startswith(b"HTTP/1.1 200"), answer[:500]
        self._connected = connected
        if b"\r\nconnection: close" in answer[:length].lower():
            self.close()
        return answer

    def close(self) -> None:
        """Hang up."""
        if self._connected is not None:
            self._connected.close()
        self._connected = None


class Callers:
    """Connections that ask, each again once it was answered."""

    def __init__(self, target: Target, count: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._connected = [target.connect() for _ in range(count)]
        for connected in self._connected:
            self._selector.register(connected, selectors.EVENT_READ, connected)

    def __enter__(self) -> "Callers":
        return self

    def __exit__(self, *_: object) -> None:
        for connected in self._connected:
            connected.close()
        self._selector.close()

    def ask(self, request: bytes, count: int) -> None:
        """Until `count` answers have come."""
        held = dict.fromkeys(self._connected, b"")
        asked, answered = len(self._connected), 0
        for connected in self._connected:
            connected.sendall(request)
        while answered < count:
            for key, _ in self._selector.select(PATIENCE):
                connected = key.data
                held[connected] += connected.recv(65536)
                length = answer_length(held[connected])
                if length is None or len(held[connected]) < length:
                    continue
                assert held[connected].startswith(b"HTTP/1.1 200"), held[connected][:200]
                held[connected], answered = b"", answered + 1
                if asked < count:
                    connected.sendall(request)
                    asked += 1
