"""Connections that never ask, or never come to an end of it, and those that are too many: plainly and over TLS."""

import asyncio
import contextlib
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from tests.gateway.world import PATIENCE

from cove.app.certificates import issue, make_authority, make_key
from cove.gateway import listen_on_loopback
from cove.gateway.asking import Server
from cove.gateway.places import on_loopback
from cove.gateway.service import Service

pytestmark = pytest.mark.anyio
MOST = 64
HALF = b"GET /_cove/x HTTP/1.1\r\nHost: 127.128.0.1\r\nX-Half: "
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """As the gateway's process runs it."""
    return "asyncio", {"use_uvloop": True}


class SilentServer:
    """Of which nothing is asked but certificates."""

    call_tool = None

    def __init__(self) -> None:
        now = datetime.datetime.now(datetime.UTC)
        self.authority = make_authority(("127.0.0.1",), now)
        self._pair = issue(self.authority, make_key(), ["127.0.0.1"], now)

    async def certify(self, _: str) -> str:
        return self._pair.certificate + self._pair.key

    async def listen(self, _: object) -> None:
        await asyncio.get_running_loop().create_future()


class House:
    """A gateway's service, in this process."""

    def __init__(self, listener: socket.socket, trust: ssl.SSLContext | None) -> None:
        self._port, self._trust = listener.getsockname()[1], trust

    @asynccontextmanager
    async def line(self, said: bytes = b"") -> AsyncIterator[Line]:
        """A connection on which this has been said."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._trust)
        writer.write(said)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(is_secure: bool, head_seconds: float) -> AsyncIterator[House]:
    server = SilentServer()
    trust = ssl.create_default_context(cadata=server.authority.certificate) if is_secure else None
    place = on_loopback("https" if is_secure else "http")
    service = Service(cast("Server", server), place, MOST * 3, is_secure=is_secure, head_seconds=head_seconds)
    with listen_on_loopback(0) as listener:
        listener.setblocking(False)
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(service.run(listener))
            yield House(listener, trust)
            running.cancel()


async def is_over(line: Line) -> bool:
    with contextlib.suppress(ConnectionError):
        return await line[0].read() == b""
    return True


@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize("said", [b"", HALF])
async def test_who_does_not_ask_to_the_end_is_hung_up_on(is_secure: bool, said: bytes) -> None:
    async with serving(is_secure, 0.3) as house, house.line(said) as line:
        assert await is_over(line)


async def test_single_bytes_now_and_then_keep_no_connection() -> None:
    async with serving(False, 0.3) as house, house.line(HALF) as line:
        ending = asyncio.create_task(is_over(line))
        while not ending.done():
            if not line[1].is_closing():
                line[1].write(b"x")
            await asyncio.wait([ending], timeout=0.05)
        assert await ending


@pytest.mark.parametrize("is_secure", [False, True])
async def test_one_connection_too_many_is_hung_up_on_at_once_and_there_is_room_again(is_secure: bool) -> None:
    async with serving(is_secure, PATIENCE) as house:
        async with contextlib.AsyncExitStack() as stack:
            lines = [await stack.enter_async_context(house.line()) for _ in range(MOST)]
            async with house.line() as late:
                assert await is_over(late)
            lines[0][1].write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert (await lines[0][0].read()).startswith(b"HTTP/1.1 4")
        while not await _is_answered(house):  # until it has seen that they are gone
            pass


async def _is_answered(house: House) -> bool:
    async with house.line(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as (reader, _):
        with contextlib.suppress(ConnectionError):
            return (await reader.read(12)).startswith(b"HTTP/1.1 4")
    return False
