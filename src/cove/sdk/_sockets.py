"""A WebSocket without threads of its own: whoever has it waits for it beside whatever else they wait for.

The protocol itself is `websockets`', sans-IO; here are the connection, the key, and our errors.
"""

import socket
import ssl
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cove.core.errors import AnswerMalformed, AnswerTimedOut, ConnectionLost, CoveError
from cove.core.version import __version__
from cove.sdk._settings import ClientSettings
from cove.sdk._trust import trusting, unreachable
from cove.sdk._wire.messages import Nothing, Reply, Request, read

if TYPE_CHECKING:
    from websockets.client import ClientProtocol
    from websockets.http11 import Response
    from websockets.protocol import Event

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
"""For the server to answer the handshake: the session may have to wake first."""
_READ = 256 * 1024
_LARGEST = 1024 * 1024


class WebSocket:
    """An open connection. `waits` tells whether something is still to be sent: then wait for room, and `flush`."""

    def __init__(self, settings: ClientSettings, path: str) -> None:
        """Connect, and be let in; raises what refuses it, and TransportFailed."""
        self.request: Request[Nothing] = Request(method="GET", path=path.partition("?")[0], shape=Nothing)
        self._settings = settings
        self._pending = b""
        self._early: list[Event] = []
        self._parts: list[bytes] = []
        self._heard_at = time.monotonic()
        self._protocol = _protocol(settings, path)
        self._line = _connect(settings)
        try:
            self._shake_hands()
        except BaseException:
            self._line.close()
            raise
        self._line.setblocking(False)

    @property
    def endpoint(self) -> str:
        """How messages call the server."""
        return self._settings.address.shown

    @property
    def waits(self) -> bool:
        """Whether something is still to be sent."""
        return bool(self._pending)

    def fileno(self) -> int:
        """For `select`: readable when there is something to receive, unless `has_more` says that there is already."""
        return int(self._line.fileno())

    @property
    def has_more(self) -> bool:
        """Whether something was received that `receive` has not given yet."""
        return bool(self._early) or (isinstance(self._line, ssl.SSLSocket) and self._line.pending() > 0)

    def receive(self) -> list[bytes | str]:
        """The messages that are there, perhaps none yet; raises ConnectionLost at the end."""
        if messages := self._messages([]):
            return messages
        while (data := self._read()) is not None:
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            messages = self._messages(self._protocol.events_received())
            self.flush()
            if messages:
                return messages
            if not data:
                raise self._lost()
        return []

    def send(self, message: bytes | str) -> None:
        """Send a message, now or as there is room; raises ConnectionLost."""
        if isinstance(message, bytes):
            self._protocol.send_binary(message)
        else:
            self._protocol.send_text(message.encode())
        self.flush()

    def flush(self) -> None:
        """Send what there is room for; raises ConnectionLost."""
        self._pending += b"".join(self._protocol.data_to_send())
        try:
            while self._pending:
                self._pending = self._pending[self._line.send(self._pending) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except OSError as error:
            raise self._lost() from error

    def check_alive(self, silence: float) -> None:
        """Raise ConnectionLost if nothing at all has come for so many seconds, no ping either."""
        if time.monotonic() - self._heard_at > silence:
            raise self._lost()

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def _read(self) -> bytes | None:
        try:
            data = bytes(self._line.recv(_READ))
            self._heard_at = time.monotonic()
            return data
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError:
            return b""

    def _messages(self, events: "list[Event]") -> list[bytes | str]:
        from websockets.frames import Frame, Opcode

        found: list[bytes | str] = []
        events, self._early = self._early + events, []
        for event in events:
            if not isinstance(event, Frame) or event.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                continue
            if event.opcode is not Opcode.CONT:
                self._parts, self._is_text = [], event.opcode is Opcode.TEXT
            self._parts.append(bytes(event.data))
            if event.fin:
                whole = b"".join(self._parts)
                found.append(whole.decode(errors="replace") if self._is_text else whole)
        return found

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(endpoint=self.endpoint, request=self.request.name)

    def _shake_hands(self) -> None:
        request = self._protocol.connect()
        request.headers["User-Agent"] = f"cove/{__version__}"
        if self._settings.api_key:
            request.headers["Authorization"] = f"Bearer {self._settings.api_key}"
        self._protocol.send_request(request)
        self._line.settimeout(_ANSWER_SECONDS)
        try:
            self._line.sendall(b"".join(self._protocol.data_to_send()))
            response = self._response()
        except TimeoutError as error:
            facts = {"endpoint": self.endpoint, "request": self.request.name}
            raise AnswerTimedOut(seconds=_ANSWER_SECONDS, **facts) from error
        except OSError as error:
            raise self._lost() from error
        if self._protocol.handshake_exc is not None:
            raise self._refusal(response)

    def _response(self) -> "Response":
        """What the server answers; its first messages may come right behind it, and are kept."""
        from websockets.http11 import Response

        while True:
            data = self._line.recv(_READ)
            if data:
                self._protocol.receive_data(data)
            else:
                self._protocol.receive_eof()
            events = self._protocol.events_received()
            if events and isinstance(events[0], Response):
                self._early = events[1:]
                return events[0]
            if not data:
                raise self._protocol.handshake_exc or self._lost()

    def _refusal(self, response: "Response") -> CoveError:
        body = bytes(response.body or b"")
        reply = Reply(status=response.status_code, request_id=response.headers.get("X-Request-Id", ""), body=body)
        if reply.status < 300:
            reason = f"HTTP {reply.status} in the place of a WebSocket: {self._protocol.handshake_exc}"
            return AnswerMalformed(endpoint=self.endpoint, request=self.request.name, reason=reason)
        error = read(self.request, reply, self.endpoint).error
        assert error is not None  # noqa: S101 - `read` sets it for every status from 300
        return error


def _protocol(settings: ClientSettings, path: str) -> "ClientProtocol":
    from websockets.client import ClientProtocol
    from websockets.uri import parse_uri

    place = settings.address.base_url.replace("http", "ws", 1)
    return ClientProtocol(parse_uri(place + path), max_size=_LARGEST)


def _connect(settings: ClientSettings) -> Any:
    address = settings.address
    try:
        if address.socket is not None:
            line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            line.settimeout(_CONNECT_SECONDS)
            line.connect(address.socket)
            return line
        parts = urlsplit(address.base_url)
        is_secret = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if is_secret else 80)
        line = socket.create_connection((host, port), _CONNECT_SECONDS)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return trusting(settings).wrap_socket(line, server_hostname=host) if is_secret else line
    except OSError as error:
        raise unreachable(address.shown, error) from error
