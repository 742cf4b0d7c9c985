"""Connecting by number: near and far, refused, cancelled, and without a thread for looking anything up."""

import asyncio
import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvloop

from cove.node.connecting import connect


@contextmanager
def trying() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as connection:
        yield connection


def threads() -> set[str]:
    """This process's; those of earlier tests may end at any moment."""
    return set(os.listdir("/proc/self/task"))


async def fill(server: socket.socket, first: socket.socket) -> None:
    """Connect to a server that takes one at a time, so that it is full."""
    await connect(first, server.getsockname())
    assert select.select([server], [], [], 30)[0], "the server has it"


def run(work: object) -> None:
    uvloop.run(work)  # type: ignore[arg-type]  # a coroutine


def test_what_listens_is_reached_and_no_thread_begins() -> None:
    async def reach() -> None:
        before = threads()
        with socket.create_server(("127.0.0.1", 0)) as server, trying() as connection:
            await connect(connection, server.getsockname())
            assert connection.getpeername() == server.getsockname()
        assert not threads() - before

    run(reach())


def test_what_does_not_listen_refuses() -> None:
    async def fail() -> None:
        with socket.socket() as unused, trying() as connection:
            unused.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                await connect(connection, unused.getsockname())

    run(fail())


def test_a_full_server_is_waited_for_until_it_takes_the_next() -> None:
    async def wait() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as server, trying() as first, trying() as second:
            await fill(server, first)
            waiting = asyncio.create_task(connect(second, server.getsockname()))
            await asyncio.wait({waiting}, timeout=0.05)
            server.accept()[0].close()
            await asyncio.wait_for(waiting, 60)
            assert second.getpeername() == server.getsockname()

    run(wait())


def test_who_is_cancelled_leaves_nothing_at_the_loop() -> None:
    async def cancel() -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=0) as server, trying() as first, trying() as second:
            await fill(server, first)
            waiting = asyncio.create_task(connect(second, server.getsockname()))
            await asyncio.wait({waiting}, timeout=0.05)
            waiting.cancel()
            await asyncio.wait({waiting}, timeout=30)
            assert waiting.cancelled()
            assert not asyncio.get_running_loop().remove_writer(second)

    run(cancel())
