"""The gateway's process: what it may do, what becomes of links when it dies, and what it leaves behind."""

import asyncio
import os
import signal

import pytest
from tests.gateway.fake_door import SESSION
from tests.gateway.world import PATIENCE, World, answering, files_of, is_alive, memory_of, running_world, told_of

from cove.core.ids import SessionId

pytestmark = [pytest.mark.anyio, pytest.mark.claim("links-load")]


async def test_nothing_runs_until_somebody_knocks(world: World) -> None:
    assert world.gateway.pid is None

    await world.get("/")

    assert world.gateway.pid is not None


async def test_a_killed_gateway_is_followed_by_another_at_the_same_address(world: World) -> None:
    await world.inside(answering(b"hello"))
    token = world.door.link()
    assert (await world.get(f"/_cove/{token}/")).text == "hello"
    first = world.gateway.pid
    assert first

    os.kill(first, signal.SIGKILL)

    assert (await world.get(f"/_cove/{token}/")).text == "hello"
    assert world.gateway.pid != first


async def test_whoever_knocks_while_no_gateway_runs_waits_for_the_next(world: World) -> None:
    await world.inside(answering(b"hello"))
    token = world.door.link()
    await world.get(f"/_cove/{token}/")
    assert world.gateway.pid
    os.kill(world.gateway.pid, signal.SIGKILL)

    answers = await asyncio.gather(*(world.get(f"/_cove/{token}/") for _ in range(20)), return_exceptions=True)

    lost = [each for each in answers if isinstance(each, Exception)]
    assert len(lost) <= 20  # those that the dying one had taken
    assert (await world.get(f"/_cove/{token}/")).text == "hello"


async def test_a_gateway_ends_with_its_server() -> None:
    async with running_world() as world:
        await world.get("/")
        pid = world.gateway.pid
        assert pid
    assert not is_alive(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
async def test_it_runs_as_nobody_and_dumps_nothing(world: World) -> None:
    await world.get("/")

    status = told_of(world.gateway.pid, "status").decode()
    limits = told_of(world.gateway.pid, "limits").decode()

    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status
    assert "Groups:\t \n" in status
    assert "Max core file size        0                    0" in limits


async def test_its_environment_and_its_command_line_hold_no_secret(world: World) -> None:
    token = world.door.link()
    await world.get(f"/_cove/{token}/")

    for name in ("environ", "cmdline"):
        assert token.encode() not in told_of(world.gateway.pid, name)


async def test_no_descriptor_is_left_of_a_hundred_requests_of_every_kind(world: World) -> None:
    await world.inside(answering())
    token = world.door.link()
    await world.get(f"/_cove/{token}/")
    world.door.watcher.paused(SESSION)
    await world.get("/")
    before = files_of(world.gateway.pid)

    for _ in range(25):
        await world.get(f"/_cove/{token}/")
        await world.ask(f"POST /_cove/{token}/ HTTP/1.1\nHost: HOST\nContent-Length: 2\n\n", b"hi")
        await world.get("/_cove/nothing/")
        (await world.connect()).writer.close()
    world.door.watcher.paused(SESSION)

    async with asyncio.timeout(PATIENCE):
        while files_of(world.gateway.pid) > before:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.05)


async def test_a_thousand_connections_are_answered(world: World) -> None:
    await world.inside(answering(b"hello"))
    token = world.door.link()
    callers = [await world.connect() for _ in range(1000)]
    for caller in callers:
        await caller.send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {world.host}\n\n")

    answers = [await caller.answer() for caller in callers]

    assert {answer.text for answer in answers} == {"hello"}


async def test_slow_readers_wait_at_the_server_and_slow_nobody(world: World) -> None:
    stuck = asyncio.Semaphore(0)

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                writer.write(bytes(65536))
                async with asyncio.timeout(0.5):
                    await writer.drain()
        except TimeoutError:
            stuck.release()
            await reader.read()

    await world.inside(flood)
    await world.inside(answering(b"quick"), session=SessionId("s-two"))
    slow, other = world.door.link("a"), world.door.link("b", session=SessionId("s-two"), host="127.128.0.2")
    for _ in range(50):
        caller = await world.connect()
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined] # a transport can
        await caller.send(f"GET /_cove/{slow}/ HTTP/1.1\nHost: {world.host}\n\n")
    async with asyncio.timeout(PATIENCE):
        for _ in range(50):
            await stuck.acquire()

    assert (await world.get(f"/_cove/{other}/", address="127.128.0.2")).text == "quick"
    assert memory_of(world.gateway.pid) < 200 * 1024 * 1024
