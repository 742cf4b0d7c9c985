"""WebSockets through a link: nobody reads them on the way, and no flood of them fills the gateway."""

import asyncio

import pytest
from tests.gateway.fake_door import SESSION
from tests.gateway.world import PATIENCE, Caller, World, memory_of, request_head

pytestmark = [pytest.mark.anyio, pytest.mark.claim("links-load")]
UPGRADE = "Connection: keep-alive, Upgrade\nUpgrade: websocket\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
)
_MORE_THAN_BUFFERS_HOLD = 1024 * 1024 * 1024
"""The kernel's own included, on a machine where they may grow to sixteen times their usual size."""


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(SWITCHING)
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


async def opened(world: World, *fields: str, token: str = "") -> Caller:
    caller = await world.connect()
    lines = "\n".join([f"GET /_cove/{token or world.door.link()}/ws HTTP/1.1", f"Host: {world.host}", UPGRADE, *fields])
    await caller.send(f"{lines}\n\n")
    head = await caller.head()
    assert head.status == 101
    assert head.one("upgrade") == "websocket"
    assert head.one("sec-websocket-accept") == "x"
    return caller


async def test_bytes_go_both_ways_untouched(world: World) -> None:
    await world.inside(echo)
    caller = await opened(world)
    data = bytes(range(256)) * 1000

    caller.writer.write(data)

    async with asyncio.timeout(PATIENCE):
        assert await caller.reader.readexactly(len(data)) == data


async def test_what_is_sent_with_the_handshake_is_not_lost(world: World) -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING + b"first")
        assert await reader.readexactly(5) == b"early"
        writer.write(b"second")

    await world.inside(hasty)
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\n{UPGRADE}\n\n", b"early")

    assert (await caller.head()).status == 101
    assert await caller.end() == b"firstsecond"


async def test_the_server_is_told_that_it_is_a_websocket_of_its_own_page(world: World) -> None:
    seen: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(SWITCHING)
        await reader.read()

    await world.inside(note)
    token = world.door.link()
    caller = await world.connect()
    await caller.send(
        f"GET /ws HTTP/1.1\nHost: {world.host}\nOrigin: http://{world.host}\nCookie: cove_link={token}\n{UPGRADE}\n\n"
    )
    assert (await caller.head()).status == 101

    fields = dict(request_head(seen[0])[1])
    assert fields["Connection"] == "Upgrade"
    assert fields["Origin"] == "http://localhost:30100"
    assert fields["Sec-WebSocket-Key"]


async def test_a_page_of_another_origin_opens_no_websocket_with_the_cookie(world: World) -> None:
    await world.inside(echo)
    caller = await world.connect()
    await caller.send(
        f"GET /ws HTTP/1.1\nHost: {world.host}\nOrigin: https://evil.example\n"
        f"Cookie: cove_link={world.door.link()}\n{UPGRADE}\n\n"
    )

    assert (await caller.answer()).status == 403
    assert world.door.dials == 0


async def test_a_refused_handshake_is_an_ordinary_answer(world: World) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()

    await world.inside(refuse)
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\n{UPGRADE}\n\n")

    answer = await caller.answer()
    assert (answer.status, answer.text) == (403, "no")


async def test_a_request_with_a_body_becomes_no_websocket(world: World) -> None:
    await world.inside(echo)
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\nContent-Length: 9\n{UPGRADE}\n\n")

    assert (await caller.answer()).status == 502


async def test_the_last_words_of_a_client_reach_a_server_that_spoke_before(world: World) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def say_and_listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        writer.write_eof()
        heard.set_result(await reader.read())

    await world.inside(say_and_listen)
    caller = await opened(world)
    assert await caller.end() == b""
    caller.writer.write(b"last words" * 1000)
    caller.writer.close()

    async with asyncio.timeout(PATIENCE):
        assert await heard == b"last words" * 1000


async def test_either_end_may_close_first(world: World) -> None:
    ended = asyncio.Event()

    async def until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        rest = await reader.read()
        writer.write(b"got " + rest)
        await writer.drain()
        ended.set()

    await world.inside(until_closed)
    caller = await opened(world)
    caller.writer.write(b"last words")
    caller.writer.write_eof()

    assert await caller.end() == b"got last words"
    assert ended.is_set()


async def test_a_flood_waits_at_its_source_while_nobody_reads_it(world: World) -> None:
    written = 0
    stuck = asyncio.Event()

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHING)
        while written < _MORE_THAN_BUFFERS_HOLD:
            writer.write(bytes(65536))
            written += 65536
            try:
                async with asyncio.timeout(1.0):
                    await writer.drain()
            except TimeoutError:
                stuck.set()
                await writer.drain()

    await world.inside(flood)
    caller = await opened(world)
    before = memory_of(world.gateway.pid)
    caller.writer.transport.pause_reading()

    async with asyncio.timeout(PATIENCE):
        await stuck.wait()
    assert written < _MORE_THAN_BUFFERS_HOLD / 2
    assert memory_of(world.gateway.pid) - before < 100 * 1024 * 1024


async def test_an_open_websocket_is_cut_when_its_link_is_revoked(world: World) -> None:
    await world.inside(echo)
    caller = await opened(world)
    caller.writer.write(b"ping")
    await caller.reader.readexactly(4)

    world.door.watcher.closed(SESSION, "l-a")

    assert await caller.is_reset()


async def test_a_pause_leaves_websockets_open(world: World) -> None:
    await world.inside(echo)
    caller = await opened(world)

    world.door.watcher.paused(SESSION)
    caller.writer.write(b"ping")

    async with asyncio.timeout(PATIENCE):
        assert await caller.reader.readexactly(4) == b"ping"
