"""The gateway's process: what it may do, what becomes of links when it dies, and what it leaves behind."""

import asyncio
import os
import signal

import pytest
from tests.gateway.fake_door import SESSION
from tests.gateway.world import PATIENCE, World, answering, files_of, is_alive, memory_of, running_world, told_of

from cove.core.ids import SessionId

pytestmark = [pytest.mark.anyio, pytest.mark.claim("links-load")]


async def test_nothing_runs_until_somebody_knocks(fresh: World) -> None:
    assert fresh.gateway.pid is None

    await fresh.get("/")

    assert fresh.gateway.pid is not None


async def test_a_killed_gateway_is_followed_by_another_at_the_same_address(fresh: World) -> None:
    await fresh.inside(answering(b"hello"))
    token = fresh.door.link()
    assert (await fresh.get(f"/_cove/{token}/")).text == "hello"
    first = fresh.gateway.pid
    assert first

    os.kill(first, signal.SIGKILL)

    assert (await fresh.get(f"/_cove/{token}/")).text == "hello"
    assert fresh.gateway.pid != first


async def test_whoever_knocks_while_no_gateway_runs_waits_for_the_next(fresh: World) -> None:
    await fresh.inside(answering(b"hello"))
    token = fresh.door.link()
    await fresh.get(f"/_cove/{token}/")
    assert fresh.gateway.pid
    os.kill(fresh.gateway.pid, signal.SIGKILL)

    answers = await asyncio.gather(*(fresh.get(f"/_cove/{token}/") for _ in range(20)))

    assert {answer.text for answer in answers} == {"hello"}


async def test_a_gateway_ends_with_its_server() -> None:
    async with running_world() as fresh:
        await fresh.get("/")
        pid = fresh.gateway.pid
        assert pid
    assert not is_alive(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
async def test_it_runs_as_nobody_and_dumps_nothing(fresh: World) -> None:
    await fresh.get("/")

    status = told_of(fresh.gateway.pid, "status").decode()
    limits = told_of(fresh.gateway.pid, "limits").decode()

    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status
    assert "Groups:\t \n" in status
    assert "Max core file size        0                    0" in limits


async def test_its_environment_and_its_command_line_hold_no_secret(fresh: World) -> None:
    token = fresh.door.link()
    await fresh.get(f"/_cove/{token}/")

    for name in ("environ", "cmdline"):
        assert token.encode() not in told_of(fresh.gateway.pid, name)


async def test_no_descriptor_is_left_of_a_hundred_requests_of_every_kind(fresh: World) -> None:
    await fresh.inside(answering())
    token = fresh.door.link()
    await fresh.get(f"/_cove/{token}/")
    fresh.door.watcher.paused(SESSION)
    await fresh.get("/")
    before = files_of(fresh.gateway.pid)

    for _ in range(25):
        await fresh.get(f"/_cove/{token}/")
        await fresh.ask(f"POST /_cove/{token}/ HTTP/1.1\nHost: HOST\nContent-Length: 2\n\n", b"hi")
        await fresh.get("/_cove/nothing/")
        (await fresh.connect()).writer.close()
    fresh.door.watcher.paused(SESSION)

    async with asyncio.timeout(PATIENCE):
        while files_of(fresh.gateway.pid) > before:  # noqa: ASYNC110 - the kernel tells nobody
            await asyncio.sleep(0.05)


async def test_a_thousand_connections_are_answered(fresh: World) -> None:
    await fresh.inside(answering(b"hello"))
    token = fresh.door.link()
    callers = []
    for _ in range(1000):  # each asks at once: a connection that is silent for long is hung up on
        callers.append(await fresh.connect())
        await callers[-1].send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {fresh.host}\n\n")

    answers = [await caller.answer() for caller in callers]

    assert {answer.text for answer in answers} == {"hello"}


async def test_slow_readers_wait_at_the_server_and_slow_nobody(fresh: World) -> None:
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

    await fresh.inside(flood)
    await fresh.inside(answering(b"quick"), session=SessionId("s-two"))
    slow, other = fresh.door.link("a"), fresh.door.link("b", session=SessionId("s-two"), host="127.128.0.2")
    assert (await fresh.get(f"/_cove/{other}/", address="127.128.0.2")).text == "quick"
    before = memory_of(fresh.gateway.pid)
    for _ in range(50):
        caller = await fresh.connect()
        caller.writer.transport.pause_reading()  # type: ignore[attr-defined] # a transport can
        await caller.send(f"GET /_cove/{slow}/ HTTP/1.1\nHost: {fresh.host}\n\n")
    async with asyncio.timeout(PATIENCE):
        for _ in range(50):
            await stuck.acquire()

    assert (await fresh.get(f"/_cove/{other}/", address="127.128.0.2")).text == "quick"
    assert memory_of(fresh.gateway.pid) - before < 50 * 3 * 1024 * 1024
