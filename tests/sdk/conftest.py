"""A server that says what it is told to say, for what no true server would: lost, malformed and scripted answers."""

import inspect
import json
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

import cove


class Seen(msgspec.Struct, frozen=True):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: Any


class _Http(ThreadingHTTPServer):
    """One that lets as many connect at once as a test may want."""

    request_queue_size = 128
    daemon_threads = True


class Canned:
    """Says the scripted replies in order, and the last one again and again."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.is_over = threading.Event()
        self._script: deque[bytes | None] = deque()
        self._lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}"

    def say(self, body: Any, status: int = 200) -> "Canned":
        """Answer with this body: bytes as they are, else as JSON."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        head = f"HTTP/1.1 {status} X\r\nX-Request-Id: r-1\r\nContent-Length: {len(content)}\r\n\r\n"
        return self.say_raw(head.encode() + content)

    def say_raw(self, answer: bytes) -> "Canned":
        """Answer with these bytes and hang up where they are not a whole HTTP answer."""
        self._script.append(answer)
        return self

    def refuse(self, code: str, status: int = 400, message: str = "no", **facts: Any) -> "Canned":
        error = {"code": code, "message": message, "retryable": False, "facts": facts}
        return self.say({"error": error, "request_id": "r-1"}, status)

    def drop(self) -> "Canned":
        """Read the request and hang up."""
        return self.say_raw(b"")

    def never(self) -> "Canned":
        """Read the request and say nothing until the test is over."""
        self._script.append(None)
        return self

    def close(self) -> None:
        self.is_over.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    def next(self) -> bytes | None:
        with self._lock:
            return self._script.popleft() if len(self._script) > 1 else self._script[0]

    def _handler(canned) -> type[BaseHTTPRequestHandler]:  # noqa: N805 - `self` is the handler's
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                place = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                content = json.loads(body) if body else None
                canned.seen.append(Seen(self.command, place.path, place.query, headers, content))
                answer = canned.next()
                if answer is None:
                    canned.is_over.wait(120)
                self.wfile.write(answer or b"")
                self.close_connection = b"\r\n\r\n" not in (answer or b"")

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


@pytest.fixture
def canned() -> Iterator[Canned]:
    server = Canned()
    yield server
    server.close()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def agent_bay(kind: str, canned: Canned) -> Any:
    return (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)(endpoint=canned.endpoint)


@pytest.fixture
def agb(kind: str, canned: Canned) -> Any:
    return (cove.AGB if kind == "sync" else cove.AsyncAGB)(endpoint=canned.endpoint)


@pytest.fixture
def session(kind: str, agent_bay: Any) -> Any:
    return (cove.Session if kind == "sync" else cove.AsyncSession)(agent_bay, "s-1")


@pytest.fixture
def agb_session(kind: str, agb: Any) -> Any:
    return (cove.AGBSession if kind == "sync" else cove.AsyncAGBSession)(agb, "s-1")


@pytest.fixture
def settled() -> Any:
    async def settle(value: Any) -> Any:
        """The value itself, or what it gives when awaited: one test for both clients."""
        return await value if inspect.isawaitable(value) else value

    return settle
