"""A listening socket that speaks TLS: each connection gets the certificate of the address that it came to.

No name is asked for at an address of the loopback network, so the address itself decides. Whoever speaks plain HTTP
here is told so in plain HTTP, where a handshake alone would only hang up.
"""

import asyncio
import contextlib
import os
import resource
import socket
import ssl
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from cove.core.errors import CoveError

_FRESH_SECONDS = 5.0
"""How long a certificate is used before it is asked for again, as it may have been renewed."""
_MOST_CONTEXTS = 4096
_SHAKE_SECONDS = 15.0
_MOST_SHAKING = 8192
"""Connections that have not shaken hands yet, or a quarter of what the process may open; one more is closed."""
_PAUSE_SECONDS = 0.2
"""When no connection can be taken, since no file may be opened any more."""
_HANDSHAKE = 0x16
_LAST_SECONDS = 2.0
Certifier = Callable[[str], Awaitable[str]]
"""Takes the address that a connection came to; gives certificates and key as PEM."""


def context_of(pem: str) -> ssl.SSLContext:
    """A server's end of TLS: 1.2 and up, HTTP/1.1 in it. Raises ssl.SSLError for what is no such pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    descriptor = os.memfd_create("certificate", os.MFD_CLOEXEC)  # ssl reads files only, and no disk shall see a key
    with open(descriptor, "wb") as file:
        file.write(pem.encode())
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
    return context


def _no_password() -> str:
    """Or OpenSSL would ask at the terminal."""
    return ""


class Contexts:
    """What connections at each address shake hands with, asked for anew every few seconds."""

    def __init__(self, certify: Certifier) -> None:
        self._certify = certify
        self._known: OrderedDict[str, tuple[float, str, ssl.SSLContext]] = OrderedDict()

    async def at(self, address: str) -> ssl.SSLContext:
        """The context for an address."""
        now = asyncio.get_running_loop().time()
        asked_at, pem, context = self._known.get(address, (-_FRESH_SECONDS, "", None))
        if context is not None and now - asked_at < _FRESH_SECONDS:
            return context
        found = await self._certify(address)
        if context is None or found != pem:
            context = context_of(found)
        self._known[address] = now, found, context
        self._known.move_to_end(address)
        if len(self._known) > _MOST_CONTEXTS:
            self._known.popitem(last=False)
        return context


class SecureDoor:
    """Takes connections of `listener`, and gives each to a `protocol` once its hands are shaken.

    `plain` is the whole answer to a request in plain HTTP. Has what `asyncio.Server` is asked for here.
    """

    def __init__(
        self, listener: socket.socket, protocol: Callable[[], asyncio.Protocol], contexts: Contexts, plain: bytes
    ) -> None:
        self._listener, self._protocol, self._contexts, self._plain = listener, protocol, contexts, plain
        self._shaking: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Take connections from now on."""
        self._listener.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Take none any more; those that shook hands go on."""
        for task in (*self._shaking, *([self._accepting] if self._accepting else [])):
            task.cancel()

    async def wait_closed(self) -> None:
        """Once nothing is taken any more."""
        if tasks := [*self._shaking, *([self._accepting] if self._accepting else [])]:
            await asyncio.wait(tasks)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        most = min(_MOST_SHAKING, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        while True:
            try:
                taken, _ = await loop.sock_accept(self._listener)
            except OSError:  # the client is gone already, or too many files are open
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if len(self._shaking) >= most:
                taken.close()
                continue
            task = loop.create_task(self._take(taken))
            self._shaking.add(task)
            task.add_done_callback(self._shaking.discard)

    async def _take(self, taken: socket.socket) -> None:
        """From here on somebody else's, or closed. What a handshake fails of is its client's own business."""
        is_given = False
        try:
            async with asyncio.timeout(_SHAKE_SECONDS):
                first = await _first_byte(taken)
                if first == _HANDSHAKE:
                    context = await self._contexts.at(taken.getsockname()[0])
                    loop = asyncio.get_running_loop()
                    await loop.connect_accepted_socket(
                        self._protocol,
                        taken,
                        ssl=context,
                        ssl_handshake_timeout=_SHAKE_SECONDS,
                        ssl_shutdown_timeout=_LAST_SECONDS,
                    )
                    is_given = True
                elif first is not None:
                    await self._refuse(taken)
        except (OSError, TimeoutError, CoveError):  # the last: nobody certifies now, which the server has logged
            pass
        finally:
            if not is_given:
                taken.close()

    async def _refuse(self, taken: socket.socket) -> None:
        """Answer, and take what still comes: closing before that would reset the answer, too."""
        loop = asyncio.get_running_loop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                await loop.sock_recv(taken, 65536)
                await loop.sock_sendall(taken, self._plain)
                taken.shutdown(socket.SHUT_WR)
                while await loop.sock_recv(taken, 65536):
                    pass


async def _first_byte(taken: socket.socket) -> int | None:
    """What comes first, left where it is; None at the end."""
    taken.setblocking(False)
    loop = asyncio.get_running_loop()
    while True:
        try:
            found = taken.recv(1, socket.MSG_PEEK)
            return found[0] if found else None
        except BlockingIOError:
            await _readable(loop, taken)


async def _readable(loop: asyncio.AbstractEventLoop, taken: socket.socket) -> None:
    is_readable = asyncio.Event()
    loop.add_reader(taken, is_readable.set)
    try:
        await is_readable.wait()
    finally:
        loop.remove_reader(taken)
