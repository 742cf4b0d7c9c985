"""A pipe between two TCP connections, on both loops: each side may speak, end or break before the other stands."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from cove.node.relay.pipe import Pipe, reset_on_close

pytestmark = pytest.mark.anyio

BOUND = 120.0
BIG = 10_000_000


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


class Ends:
    """`client` and `upstream` are the programs' ends; the pipe has the other two."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client, self.inner = _connected(listener)
            self.outer, self.upstream = reversed(_connected(listener))
        self.all = (self.client, self.inner, self.outer, self.upstream)

    def close(self) -> None:
        for each in self.all:
            each.close()


def _connected(listener: socket.socket) -> tuple[socket.socket, socket.socket]:
    calling = socket.create_connection(listener.getsockname())
    called, _ = listener.accept()
    calling.setblocking(False)
    called.setblocking(False)
    return calling, called


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


@asynccontextmanager
async def carrying(ends: Ends) -> AsyncIterator[asyncio.Task[None]]:
    """The pipe at work; what has been said before waits in its sockets."""
    task = asyncio.create_task(Pipe(ends.inner, ends.outer).run())
    try:
        async with asyncio.timeout(BOUND):
            yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def send(end: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(end, data)


async def receive(end: socket.socket, count: int) -> bytes:
    """`count` bytes, or fewer at the end of the stream."""
    received = bytearray()
    while len(received) < count and (data := await asyncio.get_running_loop().sock_recv(end, 65536)):
        received += data
    return bytes(received)


async def send_and_close(end: socket.socket, data: bytes) -> None:
    await send(end, data)
    end.close()


def break_off(end: socket.socket) -> None:
    reset_on_close(end)
    end.close()


@pytest.mark.parametrize("speaker", ["upstream", "client"])
async def test_greeting_sent_before_the_pipe_arrives_and_the_other_may_answer(ends: Ends, speaker: str) -> None:
    first, second = (ends.upstream, ends.client) if speaker == "upstream" else (ends.client, ends.upstream)
    await send(first, b"220 ready")
    async with carrying(ends):
        assert await receive(second, 9) == b"220 ready"
        await send(second, b"HELO")
        assert await receive(first, 4) == b"HELO"


@pytest.mark.parametrize("speaker", ["upstream", "client"])
async def test_half_close_before_the_pipe_arrives_and_the_other_half_stays_open(ends: Ends, speaker: str) -> None:
    first, second = (ends.upstream, ends.client) if speaker == "upstream" else (ends.client, ends.upstream)
    await send(first, b"all of it")
    first.shutdown(socket.SHUT_WR)
    async with carrying(ends) as pipe:
        assert await receive(second, 100) == b"all of it"
        await send_and_close(second, b"late answer")
        assert await receive(first, 100) == b"late answer"
        await pipe


async def test_empty_half_closes_of_both_before_the_pipe_end_it(ends: Ends) -> None:
    ends.client.shutdown(socket.SHUT_WR)
    ends.upstream.shutdown(socket.SHUT_WR)
    async with carrying(ends) as pipe:
        assert await receive(ends.client, 1) == b""
        assert await receive(ends.upstream, 1) == b""
        await pipe


@pytest.mark.parametrize("speaker", ["upstream", "client"])
async def test_ten_megabytes_sent_at_once_and_closed_arrive_whole(ends: Ends, speaker: str) -> None:
    first, second = (ends.upstream, ends.client) if speaker == "upstream" else (ends.client, ends.upstream)
    sending = asyncio.create_task(send_and_close(first, bytes(BIG)))
    async with carrying(ends) as pipe:
        assert len(await receive(second, BIG + 1)) == BIG
        second.close()
        await pipe
    await sending


async def test_both_speak_ten_megabytes_at_once(ends: Ends) -> None:
    async with carrying(ends), asyncio.TaskGroup() as group:
        group.create_task(send(ends.upstream, bytes(BIG)))
        group.create_task(send(ends.client, bytes(BIG)))
        down, up = (group.create_task(receive(end, BIG)) for end in (ends.client, ends.upstream))
        assert (len(await down), len(await up)) == (BIG, BIG)


@pytest.mark.parametrize("breaker", ["upstream", "client"])
async def test_reset_before_the_pipe_shows_as_a_reset(ends: Ends, breaker: str) -> None:
    first, second = (ends.upstream, ends.client) if breaker == "upstream" else (ends.client, ends.upstream)
    break_off(first)
    async with carrying(ends) as pipe:
        with pytest.raises(ConnectionResetError):
            await receive(second, 1)
        await pipe


async def test_resets_of_both_before_the_pipe_end_it(ends: Ends) -> None:
    break_off(ends.client)
    break_off(ends.upstream)
    async with carrying(ends) as pipe:
        await pipe
    assert (ends.inner.fileno(), ends.outer.fileno()) == (-1, -1)


async def test_pipe_that_is_cancelled_while_it_is_made_resets_both(ends: Ends) -> None:
    for turns in range(1, 7):
        each = Ends()
        await send(each.upstream, b"220 ready")
        async with carrying(each) as pipe:
            for _ in range(turns):
                await asyncio.sleep(0)  # one turn of the loop
            pipe.cancel()
            for end in (each.client, each.upstream):
                with pytest.raises(ConnectionResetError):
                    await receive(end, 100)
        each.close()
