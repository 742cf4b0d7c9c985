"""What is spoken at the doors: HTTP and WebSockets, of uvicorn, with bounds of our own.

Whoever knocks at the Unix socket is known by what the kernel says of the other end, never by what that end says.
"""

import asyncio
import socket
import struct
import sys
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cove.app.connections import Config, log_slow, refusal
from cove.app.patience import Patience, Stage
from cove.core.errors import InvalidInput, RequestTooSlow

LONGEST_URL = 1024 * 1024
"""Bytes of a request's path and query string."""
_LONGEST_HEAD = 4 * LONGEST_URL
_MOST_UNREAD = 4 * 1024 * 1024
"""Bytes that wait for a WebSocket's client to read them: more than a message and what is written beside it."""
_LAST_SECONDS = 1.0
"""For a client that is hung up on to take what was said last."""
_SHOWN = 60
"""Bytes of what is no HTTP, to whoever said it."""
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class PeerProtocol(HttpToolsProtocol):
    """HTTP whose `scope["client"]` is `("uid:<n>", 0)` on the Unix socket; a TCP client's is its address, as ever.

    It implements `Watched`: whoever takes too long over a request, or an answer, is cut off.
    """

    config: Config

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Note who has connected."""
        self._shared = self.config.connections
        self._patience = Patience(self._shared.bounds, self.loop.time())
        self._head_bytes, self._heard = 0, b""
        peer = transport.get_extra_info("socket")
        is_unix = peer is not None and peer.family == socket.AF_UNIX
        if not self._shared.enter(self, transport, is_own=is_unix):
            return
        super().connection_made(transport)
        if is_unix:
            self.client = (f"uid:{peer_uid(peer)}", 0)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self._shared.leave(self)
        super().connection_lost(error)

    def look(self, now: float) -> None:
        """Break it off if it takes too long, with a word where one can be said."""
        patience = self._patience
        if patience.is_unread(self.transport.get_write_buffer_size(), now):
            self.transport.abort()
        elif patience.deadline >= now:
            return
        elif self.transport.is_closing():
            self.transport.abort()
        elif self._is_our_turn():
            patience.postpone(now)
        else:
            if self._may_be_told():
                error = RequestTooSlow(seconds=round(now - patience.since))
                log_slow(error, patience.stage.value)
                self.transport.write(refusal(error))
            self.transport.close()

    def _may_be_told(self) -> bool:
        """Whether a request has begun to come, and its answer has not begun."""
        stage = self._patience.stage
        return stage is Stage.HEAD or (stage is Stage.BODY and not self.cycle.response_started)

    def _is_our_turn(self) -> bool:
        """Whether an earlier request is being answered, or what is here of a body has not been asked for yet."""
        is_answering = self.cycle is not None and not self.cycle.response_complete
        return self.flow.read_paused or bool(self.pipeline) or (self._patience.stage is Stage.HEAD and is_answering)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that does not end is answered with 400."""
        self._heard = data[:_SHOWN]
        if self._patience.stage is not Stage.BODY:
            self._head_bytes += len(data)
            if self._head_bytes > _LONGEST_HEAD:
                self.logger.warning("Invalid HTTP request received: its head does not end.")
                self.send_400_response(f"a request's head has more than {_LONGEST_HEAD} bytes")
                return
        super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as everything else is refused; the connection ends."""
        found = sys.exception()  # the parser's, which has met with it, or with ours
        remedy = f"send HTTP/1.1 ({(found and found.__context__) or found or msg})"
        error = InvalidInput(name="request", value=self._heard.decode("latin-1"), remedy=remedy)
        self.transport.write(refusal(error))
        self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._patience.asked(self.loop.time())

    def on_body(self, body: bytes) -> None:
        """A part of its body."""
        super().on_body(body)
        self._patience.took(len(body), self.loop.time())

    def on_message_complete(self) -> None:
        """All of it is there."""
        super().on_message_complete()
        self._patience.completed()
        if self.cycle is not None and self.cycle.response_complete:  # before it was there
            self._patience.answered(self.loop.time())

    def on_response_complete(self) -> None:
        """It is answered; the next one, or a part of it, may be here already."""
        has_next = bool(self.pipeline)
        super().on_response_complete()
        self._unset_keepalive_if_required()  # it would not see that part: `look` tells how long is long enough
        if not has_next:
            self._patience.answered(self.loop.time())

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line; one that does not end is answered with 400."""
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            raise ValueError(f"a request line of more than {LONGEST_URL} bytes")

    def on_headers_complete(self) -> None:
        """Read the path by itself: httptools counts a URL in 16 bits, and some clients send much in the query."""
        whole = self.url
        self.url, _, query = whole.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query
        self.url = whole
        self._patience.headed(self.loop.time())
        self._head_bytes = 0


class PeerSocketProtocol(WebSocketsSansIOProtocol):
    """The same for a WebSocket, which begins as a request of `PeerProtocol`.

    A client that does not read is cut off: the base waits for it for ever, and answers its pings into memory.
    """

    config: Config

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who has connected."""
        super().connection_made(transport)
        self.config.connections.leave(transport.get_protocol(), self)  # type: ignore[arg-type]  # ours
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family == socket.AF_UNIX:
            self.client = (f"uid:{peer_uid(peer)}", 0)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
        self.config.connections.leave(self)
        super().connection_lost(error)

    def look(self, now: float) -> None:
        """Its pings tell whether its client is there."""

    def data_received(self, data: bytes) -> None:
        """Take what came; who speaks before the handshake is answered is hung up on, unheard."""
        if self.handshake_initiated and not self.handshake_complete:
            self.transport.abort()
        else:
            super().data_received(data)

    async def send(self, message: Any) -> None:
        """Send; a refusal is a complete handshake, too, which the base takes for none, and logs as an error."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True

    def handle_ping(self) -> None:
        """Answer a ping, unless its client reads no answers."""
        super().handle_ping()
        if self.transport.get_write_buffer_size() > _MOST_UNREAD:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        """Hang up on a client that does not answer pings."""
        super().keepalive_timeout()
        self._cut_off_soon()

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """The application is done with it."""
        super().on_task_complete(task)
        self._cut_off_soon()

    def _cut_off_soon(self) -> None:
        """What is to be closed, and is not, waits for a client that does not read."""
        if self.transport.get_write_buffer_size():
            patience = _LAST_SECONDS if self.close_timer is None else self.close_timeout
            self.loop.call_later(patience, self.transport.abort)


def peer_uid(peer: socket.socket) -> int:
    """The user at the other end of a Unix socket, as the kernel noted it when that end connected."""
    _, uid, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return int(uid)
