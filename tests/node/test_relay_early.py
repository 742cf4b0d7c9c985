"""Upstreams that speak, end or break at once, and clients that do, as programs in a session meet them."""

import asyncio
import socket
from contextlib import suppress

import pytest
from tests.node.relaying import NAMED, SESSION, Inside, needs_network, relaying, serving

from cove.node.relay.pipe import reset_on_close

pytestmark = [pytest.mark.anyio, needs_network]

GREETING = "SSH-2.0-x\r\n"
BIG = 10_000_000
TIMES = 20
"""What a race loses once it may keep many times."""


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak first; then repeat what the client says."""
    writer.write(GREETING.encode())
    writer.write(b"got " + await reader.read())
    writer.close()


async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send much and close, whatever the client says."""
    writer.write(bytes(BIG))
    with suppress(ConnectionError):
        await writer.drain()
    writer.close()


async def half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End at once, and listen on."""
    writer.write_eof()
    await reader.read()
    writer.close()


async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset at once."""
    reset_on_close(writer.get_extra_info("socket"))
    writer.transport.abort()


async def test_greeting_of_an_upstream_that_speaks_first_arrives(inside: Inside) -> None:
    async with serving(NAMED, greet) as port, relaying(inside, f"{NAMED}:{port}"):
        for _ in range(TIMES):
            heard = await inside.ask(do="greeted", host=NAMED, port=port, count=len(GREETING), send="me")
            assert heard == {"greeting": GREETING, "received": "got me"}


async def test_ten_megabytes_sent_at_once_and_closed_arrive_whole_and_counted(inside: Inside) -> None:
    async with serving(NAMED, pour) as port, relaying(inside, f"{NAMED}:{port}") as relay:
        assert await inside.ask(do="drain", host=NAMED, port=port) == {"received": BIG}
        assert await relay.usage(SESSION) == (BIG, 0)


async def test_upstream_that_half_closes_at_once_ends_the_stream(inside: Inside) -> None:
    async with serving(NAMED, half_close) as port, relaying(inside, f"{NAMED}:{port}"):
        for _ in range(TIMES):
            assert await inside.ask(do="drain", host=NAMED, port=port) == {"received": 0}


async def test_upstream_that_resets_at_once_shows_as_a_reset(inside: Inside) -> None:
    async with serving(NAMED, break_off) as port, relaying(inside, f"{NAMED}:{port}"):
        for _ in range(TIMES):
            assert await inside.ask(do="drain", host=NAMED, port=port) == {"failed": "ConnectionResetError"}


async def test_client_that_ends_before_the_upstream_accepts_is_heard_and_answered(inside: Inside) -> None:
    with socket.create_server((NAMED, 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        async with relaying(inside, f"{NAMED}:{port}"):
            asking = asyncio.create_task(inside.ask(do="exchange", host=NAMED, port=port, send="all of it"))
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            reader, writer = await asyncio.open_connection(sock=connection)
            writer.write(b"got " + await reader.read())
            writer.close()
            assert await asking == {"received": "got all of it"}
