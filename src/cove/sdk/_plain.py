"""HTTP for many threads over a Unix socket or plain TCP, with little loaded for it.

A library that knows certificates, proxies and event loops takes longer to load than a session's first result to come
from a Cove that runs. What wants certificates is not sent here.
"""

import contextlib
import select
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from cove.core.errors import AnswerMalformed, AnswerTimedOut, ConnectionLost, InvalidInput, ServerUnreachable
from cove.sdk._wire.http import AnswerReader, CutShort, NotHttp, request_bytes
from cove.sdk._wire.messages import Reply, Request

if TYPE_CHECKING:
    from cove.sdk._settings import Address

MOST_IDLE = 64
_READ = 64 * 1024
_KEPT_SECONDS = 30.0
"""How long an unused connection is kept: less than the server keeps it."""


class Connection:
    """One connection; `used` is when it was last given back."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.used = 0.0

    def exchange(self, request: bytes) -> AnswerReader:
        """Send, and receive the whole answer; raises OSError, NotHttp, CutShort."""
        self.socket.sendall(request)
        answer = AnswerReader()
        while not answer.is_whole:
            data = self.socket.recv(_READ)
            answer.feed(data) if data else answer.end()
        return answer

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def is_fresh(self) -> bool:
        """Whether the other end still waits for a request: what it says before one is its goodbye."""
        is_young = time.monotonic() - self.used < _KEPT_SECONDS
        poller = select.poll()  # `select` knows no descriptor beyond 1023
        poller.register(self.socket, select.POLLIN)
        return is_young and not poller.poll(0)


class PlainHttp:
    """One endpoint; its connections are closed with this object."""

    def __init__(self, address: "Address", headers: dict[str, str]) -> None:
        self._address, self._headers = address, headers
        self._url = urlsplit(address.base_url)
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        weakref.finalize(self, _close_all, self._idle)

    def send(self, request: Request[Any], seconds: float, connect_seconds: float) -> Reply:
        """Send and receive; `seconds` bound each silence. Raises a TransportFailed."""
        sent = self._bytes(request)
        connection = self._take() or self._connect(connect_seconds)
        try:
            with _translated(self._address.shown, request, seconds):
                connection.socket.settimeout(seconds)
                answer = connection.exchange(sent)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, answer.closes)
        return Reply(status=answer.status, request_id=answer.fields.get("x-request-id", ""), body=answer.body)

    def close(self) -> None:
        """Close every connection that nobody uses; a later request opens new ones."""
        with self._lock:
            _close_all(self._idle)

    def _bytes(self, request: Request[Any]) -> bytes:
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers = {"Host": self._url.netloc, "Accept-Encoding": "identity", **self._headers, **request.headers}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return request_bytes(request.method, f"{self._url.path}{request.path}{query}", headers, request.body)
        except NotHttp as error:
            raise InvalidInput(name="request", value=request.name, remedy=str(error)) from error

    def _connect(self, seconds: float) -> Connection:
        try:
            return Connection(self._connected(seconds))
        except OSError as error:  # TimeoutError is one
            raise ServerUnreachable(endpoint=self._address.shown, reason=str(error)) from None

    def _connected(self, seconds: float) -> socket.socket:
        if self._address.socket is None:
            connected = socket.create_connection((self._url.hostname or "", self._url.port or 80), seconds)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connected
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.settimeout(seconds)
            connected.connect(self._address.socket)
        except BaseException:
            connected.close()
            raise
        return connected

    def _take(self) -> Connection | None:
        """The connection used last, if it still holds."""
        with self._lock:
            while self._idle:
                connection = self._idle.pop()
                if connection.is_fresh():
                    return connection
                connection.close()
        return None

    def _give_back(self, connection: Connection, is_over: bool) -> None:
        connection.used = time.monotonic()
        with self._lock:
            if is_over or len(self._idle) >= MOST_IDLE:
                connection.close()
            else:
                self._idle.append(connection)


def _close_all(connections: list[Connection]) -> None:
    while connections:
        connections.pop().close()


@contextlib.contextmanager
def _translated(endpoint: str, request: Request[Any], seconds: float) -> Iterator[None]:
    facts = {"endpoint": endpoint, "request": request.name}
    try:
        yield
    except TimeoutError:
        raise AnswerTimedOut(seconds=seconds, **facts) from None
    except (OSError, CutShort):
        raise ConnectionLost(**facts) from None
    except NotHttp as error:
        raise AnswerMalformed(reason=f"no HTTP: {error}", **facts) from error
