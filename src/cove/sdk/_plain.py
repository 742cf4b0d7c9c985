"""HTTP for many threads by the standard library alone, over a Unix socket or plain TCP.

It loads in a tenth of the time of a library that knows certificates, proxies and event loops; that alone would take
longer than a session's first result from a Cove that runs. What wants certificates is not sent here.
"""

import contextlib
import http.client
import select
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from cove.core.errors import AnswerMalformed, AnswerTimedOut, ConnectionLost, InvalidInput, ServerUnreachable
from cove.sdk._wire.messages import Reply, Request

if TYPE_CHECKING:
    from cove.sdk._settings import Address

MOST_IDLE = 64
_KEPT_SECONDS = 30.0
"""How long an unused connection is kept: less than the server keeps it."""


class Connection(http.client.HTTPConnection):
    """One connection; `used` is when it was last given back."""

    def __init__(self, address: "Address", timeout: float) -> None:
        parts = urlsplit(address.base_url)
        super().__init__(parts.hostname or "", parts.port, timeout=timeout)
        self.used = 0.0
        self._path = address.socket

    def connect(self) -> None:
        """To the Unix socket, if it is one."""
        if self._path is None:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def is_fresh(self) -> bool:
        """Whether the other end still waits for a request: what it says before one is its goodbye."""
        is_young = time.monotonic() - self.used < _KEPT_SECONDS
        return is_young and not select.select([self.sock], [], [], 0)[0]


class PlainHttp:
    """One endpoint; its connections are closed with this object."""

    def __init__(self, address: "Address", headers: dict[str, str]) -> None:
        self._address, self._headers = address, headers
        self._prefix = urlsplit(address.base_url).path
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        weakref.finalize(self, _close_all, self._idle)

    def send(self, request: Request[Any], seconds: float, connect_seconds: float) -> Reply:
        """Send and receive; `seconds` bound each silence. Raises a TransportFailed."""
        connection = self._take() or self._connect(connect_seconds)
        try:
            with _translated(self._address.shown, request, seconds):
                assert connection.sock is not None  # noqa: S101 - `_connect` connects
                connection.sock.settimeout(seconds)
                answer, body = self._exchange(connection, request)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection, answer.will_close)
        return Reply(status=answer.status, request_id=answer.headers.get("X-Request-Id", ""), body=body)

    def close(self) -> None:
        """Close every connection that nobody uses; a later request opens new ones."""
        with self._lock:
            _close_all(self._idle)

    def _exchange(self, connection: Connection, request: Request[Any]) -> tuple[http.client.HTTPResponse, bytes]:
        query = f"?{urlencode(request.query)}" if request.query else ""
        headers = {**self._headers, **request.headers}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(request.method, f"{self._prefix}{request.path}{query}", body=request.body, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()

    def _connect(self, seconds: float) -> Connection:
        connection = Connection(self._address, seconds)
        try:
            connection.connect()
        except OSError as error:  # TimeoutError is one
            connection.close()
            raise ServerUnreachable(endpoint=self._address.shown, reason=str(error)) from None
        return connection

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
    except (OSError, http.client.IncompleteRead):  # RemoteDisconnected is an OSError
        raise ConnectionLost(**facts) from None
    except http.client.InvalidURL as error:
        raise InvalidInput(name="request", value=request.name, remedy=str(error)) from error
    except http.client.HTTPException as error:
        raise AnswerMalformed(reason=f"{type(error).__name__}: {error}", **facts) from error
