"""The two doors of the server, bound before it starts: TCP, where a key is shown, and a Unix socket, where a uid is.

Whoever knocks at the Unix socket is known by what the kernel says of the other end, never by what that end says.
"""

import asyncio
import errno
import os
import socket
import struct
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cove.app.data import DataDir
from cove.core.errors import InvalidSetting

LONGEST_URL = 1024 * 1024
"""Bytes of a request's path and query string."""
_BACKLOG = 2048
_MOST_UNREAD = 4 * 1024 * 1024
"""Bytes that wait for a WebSocket's client to read them: more than a message and what is written beside it."""
_LAST_SECONDS = 1.0
"""For a client that is hung up on to take what was said last."""
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


class PeerProtocol(HttpToolsProtocol):
    """HTTP whose `scope["client"]` is `("uid:<n>", 0)` on the Unix socket; a TCP client's is its address, as ever."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the base has it
        """Note who has connected."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family == socket.AF_UNIX:
            self.client = (f"uid:{peer_uid(peer)}", 0)

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


class PeerSocketProtocol(WebSocketsSansIOProtocol):
    """The same for a WebSocket, which begins as a request of `PeerProtocol`.

    A client that does not read is cut off: the base waits for it for ever, and answers its pings into memory.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note who has connected."""
        super().connection_made(transport)
        peer = transport.get_extra_info("socket")
        if peer is not None and peer.family == socket.AF_UNIX:
            self.client = (f"uid:{peer_uid(peer)}", 0)

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


def open_tcp(host: str, port: int) -> socket.socket:
    """A listening TCP socket, on a free port if `port` is 0; raises InvalidSetting if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(_BACKLOG)
    except OSError as error:
        door.close()
        raise _no_door(host, port, error) from error
    return door


def _no_door(host: str, port: int, error: OSError) -> InvalidSetting:
    if error.errno == errno.EADDRINUSE:
        remedy = f"something listens there on {host}; choose another with --port"
        return InvalidSetting(name="port", value=port, remedy=remedy)
    if error.errno == errno.EACCES:
        return InvalidSetting(name="port", value=port, remedy="only root may listen on a port below 1024")
    remedy = f"{os.strerror(error.errno or 0)}; give an address of this machine"
    return InvalidSetting(name="host", value=host, remedy=remedy)


def open_unix(data: DataDir) -> socket.socket:
    """A listening socket in the data directory. Call it under the lock: a socket found there is then a dead one's."""
    data.socket.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(data.socket))
    data.socket.chmod(0o600)
    door.listen(_BACKLOG)
    return door


def address_of(door: socket.socket, scheme: str = "http", name: str = "") -> str:
    """What a client gives as COVE_ENDPOINT to come in by this door: by its host `name`, or on this machine."""
    if door.family == socket.AF_UNIX:
        return f"unix://{door.getsockname()}"
    host, port = door.getsockname()[:2]
    shown = name or {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"
