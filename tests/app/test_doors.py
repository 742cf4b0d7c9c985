"""The doors: who comes in by the Unix socket is known by the kernel's word, and by TCP by an address."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from cove.app.data import DataDir
from cove.app.doors import address_of, open_tcp, open_unix
from cove.app.web import http_config
from cove.core.errors import InvalidSetting

pytestmark = pytest.mark.anyio


@pytest.fixture
def data() -> Iterator[DataDir]:
    root = Path(tempfile.mkdtemp(dir="/tmp"))
    root.chmod(0o711)
    made = DataDir(root)
    made.prepare()
    yield made
    shutil.rmtree(root)


async def tell_client(scope: dict[str, Any], _: Any, send: Any) -> None:
    """An application that answers who its client is."""
    told = repr(scope["client"]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(told))]})
    await send({"type": "http.response.body", "body": told})


async def ask(door: socket.socket, head: bytes) -> str:
    """What the application says over this door, served for one request."""
    server = uvicorn.Server(http_config(tell_client))
    server.config.lifespan = "off"
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server._serve([door]))
        family, address = door.family, door.getsockname()
        client = socket.socket(family)
        await asyncio.to_thread(client.connect, address)
        reader, writer = await asyncio.open_connection(sock=client)
        writer.write(head + b"\r\n")
        answer = await reader.read()
        writer.close()
        server.should_exit = True
        await serving
    return answer.partition(b"\r\n\r\n")[2].decode()


REQUEST = b"GET / HTTP/1.1\r\nHost: cove\r\nConnection: close\r\n"


async def test_a_client_of_the_unix_socket_is_its_user_id(data: DataDir) -> None:
    assert await ask(open_unix(data), REQUEST) == f"('uid:{os.geteuid()}', 0)"


async def test_a_client_of_the_tcp_port_is_an_address_whatever_it_claims() -> None:
    claims = b"X-Forwarded-For: uid:0\r\nForwarded: for=uid:0\r\n"
    assert (await ask(open_tcp("127.0.0.1", 0), REQUEST + claims)).startswith("('127.0.0.1', ")


async def test_only_its_owner_may_open_the_socket(data: DataDir) -> None:
    with open_unix(data):
        assert data.socket.stat().st_mode & 0o777 == 0o600
        assert data.socket.parent.stat().st_mode & 0o777 == 0o700


async def test_a_dead_servers_socket_is_replaced(data: DataDir) -> None:
    open_unix(data).close()
    assert data.socket.exists()
    with open_unix(data) as door:
        assert address_of(door) == f"unix://{data.socket}"


async def test_a_port_that_is_taken_is_named() -> None:
    with open_tcp("127.0.0.1", 0) as door, pytest.raises(InvalidSetting, match="something listens there"):
        open_tcp("127.0.0.1", door.getsockname()[1])


async def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="give an address of this machine"):
        open_tcp("192.0.2.1", 0)


@pytest.mark.parametrize(("host", "start"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:")])
async def test_an_address_is_one_that_a_client_here_can_use(host: str, start: str) -> None:
    with open_tcp(host, 0) as door:
        assert address_of(door).startswith(start)


SOCKET = (
    b"GET / HTTP/1.1\r\nHost: cove\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
MASKED_PING = b"\x89\xfd" + bytes(4) + bytes(125)


class Talker:
    """An application that talks on its WebSocket, or only listens there; `ended` is set when it is over.

    It lets nobody in before `may_begin`.
    """

    def __init__(self, *, talks: bool = False) -> None:
        self._talks = talks
        self.asked, self.may_begin, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, _: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            self.asked.set()
            await self.may_begin.wait()
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            while self._talks:
                await send({"type": "websocket.send", "text": "x" * 65536, "bytes": None})
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.ended.set()


@asynccontextmanager
async def opened(application: Talker, sign_of_life: float) -> AsyncIterator[socket.socket]:
    """A WebSocket of this application, whose client does nothing by itself, and is asked for signs of life."""
    config = http_config(application)
    config.ws_ping_interval = config.ws_ping_timeout = sign_of_life
    server = uvicorn.Server(config)
    config.lifespan = "off"
    door = open_tcp("127.0.0.1", 0)
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server._serve([door]))
        with socket.create_connection(door.getsockname()) as client:
            client.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(client, SOCKET)
            yield client
            server.should_exit = True
            await serving


async def let_in(client: socket.socket, application: Talker) -> None:
    application.may_begin.set()
    assert await asyncio.get_running_loop().sock_recv(client, 12) == b"HTTP/1.1 101"


async def test_websocket_whose_client_reads_nothing_is_cut_off() -> None:
    talker = Talker(talks=True)
    async with opened(talker, 0.2) as client:
        await let_in(client, talker)
        await talker.ended.wait()


async def test_pings_of_a_client_that_reads_no_answers_take_no_memory() -> None:
    listener = Talker()
    async with opened(listener, 60) as client:
        await let_in(client, listener)
        with pytest.raises(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(client, MASKED_PING * 512 * 1024)


@pytest.mark.parametrize("early", [MASKED_PING, b"garbage"])
async def test_who_speaks_before_he_is_let_in_is_hung_up_on_unheard(
    early: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Talker()
    async with opened(listener, 60) as client:
        await listener.asked.wait()
        await asyncio.get_running_loop().sock_sendall(client, early)
        assert await asyncio.get_running_loop().sock_recv(client, 1) == b""
        listener.may_begin.set()
        await listener.ended.wait()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
