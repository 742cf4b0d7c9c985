"""Servers inside that hang, break off and answer garbage: the client learns of it, and nobody else notices."""

import asyncio

import pytest
from tests.gateway.world import PATIENCE, World, answering, hanging, saying

from cove.core.ids import SessionId

pytestmark = [pytest.mark.anyio, pytest.mark.claim("links-framing")]
GARBAGE = {
    "no HTTP at all": b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
    "binary": bytes(range(256)) + b"\r\n\r\n",
    "a head that ends in LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 What\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
    "a length beside chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a folded line": b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "a head without an end": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000,
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "chunks that are none": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    "an endless word on the way": b"HTTP/1.1 100 Continue\r\n\r\n" * 1000 + b"HTTP/1.1 204 No Content\r\n\r\n",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_an_answer_that_is_none_is_a_bad_gateway(world: World, name: str) -> None:
    await world.inside(saying(GARBAGE[name]))

    answer = await world.get(f"/_cove/{world.door.link()}/")

    assert answer.status == 502
    assert answer.text.startswith("the session's server ")


@pytest.mark.parametrize(
    "half",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"half" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nnonsense",
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_half_an_answer_never_looks_like_a_whole_one(world: World, half: bytes, version: str) -> None:
    await world.inside(saying(half))
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/{version}\nHost: {world.host}\n\n")
    assert (await caller.head()).status == 200

    assert await caller.is_reset()


async def test_what_a_server_says_after_its_answer_is_nobodys_answer(world: World) -> None:
    await world.inside(
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    )
    token = world.door.link()
    caller = await world.connect()

    for _ in range(3):
        await caller.send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {world.host}\n\n")
        assert (await caller.answer()).text == "ok"


async def test_what_a_server_says_before_it_is_asked_is_nobodys_answer(world: World) -> None:
    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        await reader.read()

    await world.inside(hasty)
    token = world.door.link()

    for _ in range(5):
        assert (await world.get(f"/_cove/{token}/")).text == "ok"


async def test_a_client_that_leaves_a_hanging_server_is_forgotten_by_it(world: World) -> None:
    asked, left = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        try:
            await reader.read()
        finally:
            left.set()

    await world.inside(hang)
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\n\n")
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
        caller.writer.close()
        await left.wait()


async def test_a_server_that_hangs_holds_up_nobody_else(world: World) -> None:
    asked = asyncio.Event()
    await world.inside(hanging(asked))
    await world.inside(answering(b"quick"), session=SessionId("s-two"))
    stuck, other = world.door.link("a"), world.door.link("b", session=SessionId("s-two"), host="127.128.0.2")
    caller = await world.connect()
    await caller.send(f"GET /_cove/{stuck}/ HTTP/1.1\nHost: {world.host}\n\n")
    async with asyncio.timeout(PATIENCE):
        await asked.wait()

    assert (await world.get(f"/_cove/{other}/", address="127.128.0.2")).text == "quick"


async def test_a_server_may_answer_before_it_has_read_the_body(world: World) -> None:
    await world.inside(saying(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"))
    caller = await world.connect()
    await caller.send(
        f"POST /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\nContent-Length: 100000000\n\n", b"begin"
    )

    answer = await caller.answer()

    assert (answer.status, answer.text) == (413, "big")


async def test_a_client_that_leaves_in_its_bodys_middle_leaves_no_whole_request(world: World) -> None:
    ended = asyncio.get_running_loop().create_future()

    async def read_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            ended.set_result(await reader.readuntil(b"0\r\n\r\n"))
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            ended.set_result(error)

    await world.inside(read_body)
    caller = await world.connect()
    await caller.send(
        f"POST /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\nTransfer-Encoding: chunked\n\n",
        b"5\r\nhello\r\n",
    )
    caller.writer.close()

    async with asyncio.timeout(PATIENCE):
        assert isinstance(await ended, Exception)
