"""Requests that two servers might read differently reach nobody."""

import asyncio

import pytest
from tests.gateway.world import World, answering

pytestmark = [pytest.mark.anyio, pytest.mark.claim("links-framing")]
BAD_HEADS = {
    "two lengths": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "lengths that differ": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of lengths": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length: 5, 5\r\n\r\nhello",
    "a signed length": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length: +5\r\n\r\nhello",
    "a length in hexadecimal": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length: 0x5\r\n\r\nhello",
    "an endless length": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length: 99999999999999999999\r\n\r\nhello",
    "an empty length": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length:\r\n\r\n",
    "a length beside chunks": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length: 5\r\nCHUNKED\r\n\r\n0\r\n\r\n",
    "chunks beside a length": "POST PATH HTTP/1.1\r\nHOST\r\nCHUNKED\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "two encodings": "POST PATH HTTP/1.1\r\nHOST\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": "POST PATH HTTP/1.1\r\nHOST\r\nCHUNKED\r\nCHUNKED\r\n\r\n0\r\n\r\n",
    "an unknown encoding": "POST PATH HTTP/1.1\r\nHOST\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "an encoding with a vertical tab": "POST PATH HTTP/1.1\r\nHOST\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded line": "GET PATH HTTP/1.1\r\nHOST\r\nX: a\r\n b\r\n\r\n",
    "a folded length": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length:\r\n 5\r\n\r\nhello",
    "a space before the colon": "POST PATH HTTP/1.1\r\nHOST\r\nContent-Length : 5\r\n\r\nhello",
    "a line without a colon": "GET PATH HTTP/1.1\r\nHOST\r\nnonsense\r\n\r\n",
    "an empty name": "GET PATH HTTP/1.1\r\nHOST\r\n: value\r\n\r\n",
    "a bare CR in a value": "GET PATH HTTP/1.1\r\nHOST\r\nX: a\rContent-Length: 5\r\n\r\n",
    "a bare LF in a value": "GET PATH HTTP/1.1\r\nHOST\r\nX: a\nContent-Length: 5\r\n\r\n",
    "a NUL in a value": "GET PATH HTTP/1.1\r\nHOST\r\nX: a\0b\r\n\r\n",
    "a bare CR before the line's end": "GET PATH HTTP/1.1\r\nHOST\r\nX: a\r\r\n\r\n",
    "a request line that ends in LF": "GET PATH HTTP/1.1\nHOST\r\n\r\n",
    "a space in the path": "GET PATHa b HTTP/1.1\r\nHOST\r\n\r\n",
    "a tab for a space": "GET\tPATH\tHTTP/1.1\r\nHOST\r\n\r\n",
    "two spaces": "GET  PATH HTTP/1.1\r\nHOST\r\n\r\n",
    "no version": "GET PATH\r\nHOST\r\n\r\n",
    "HTTP/0.9": "GET PATH HTTP/0.9\r\nHOST\r\n\r\n",
    "HTTP/2.0": "GET PATH HTTP/2.0\r\nHOST\r\n\r\n",
    "HTTP/1.10": "GET PATH HTTP/1.10\r\nHOST\r\n\r\n",
    "HTTP/2 without asking": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": "GET PATH HTTP/1.1\r\n\r\n",
    "two hosts": "GET PATH HTTP/1.1\r\nHOST\r\nHOST\r\n\r\n",
    "a whole address for a path": "GET http://localhostPATH HTTP/1.1\r\nHOST\r\n\r\n",
    "a star for a path": "OPTIONS * HTTP/1.1\r\nHOST\r\n\r\n",
    "a tunnel": "CONNECT PATH HTTP/1.1\r\nHOST\r\n\r\n",
    "a trace": "TRACE PATH HTTP/1.1\r\nHOST\r\n\r\n",
    "too many fields": "GET PATH HTTP/1.1\r\nHOST\r\n" + "X: y\r\n" * 300 + "\r\n",
    "a head without an end": "GET PATH HTTP/1.1\r\nHOST\r\nX: " + "y" * 70_000,
    "an empty line first": "\r\nGET PATH HTTP/1.1\r\nHOST\r\n\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 64 + "\r\n\r\n",
}
BAD_CHUNKS = {
    "a size that is no number": b"5x\r\nhello\r\n0\r\n\r\n",
    "a signed size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a size with a prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
    "a size too large": b"f" * 17 + b"\r\n",
    "a size that ends in LF": b"5\nhello\r\n0\r\n\r\n",
    "a bare CR in an extension": b"5;a=\rb\r\nhello\r\n0\r\n\r\n",
    "a bare LF in an extension": b"5;a=\nb\r\nhello\r\n0\r\n\r\n",
    "an endless extension": b"5;" + b"a" * 5000,
    "a chunk longer than it says": b"4\r\nhello\r\n0\r\n\r\n",
    "a chunk that ends in LF": b"5\r\nhello\n0\r\n\r\n",
    "a trailer that is none": b"0\r\nnonsense\r\n\r\n",
    "a folded trailer": b"0\r\nX: a\r\n b\r\n\r\n",
    "endless trailers": b"0\r\n" + b"X: yyyyyyyyyyyyyyyyyyyy\r\n" * 1000,
}


@pytest.mark.parametrize("name", BAD_HEADS)
async def test_a_head_that_could_be_read_in_two_ways_is_refused(world: World, name: str) -> None:
    await world.inside(answering())
    path, host = f"/_cove/{world.door.link()}/", f"Host: {world.host}"
    caller = await world.connect()
    smuggled = f"GET {path}smuggled HTTP/1.1\r\n{host}\r\n\r\n"

    caller.writer.write(
        (
            BAD_HEADS[name].replace("PATH", path).replace("HOST", host).replace("CHUNKED", "Transfer-Encoding: chunked")
            + smuggled
        ).encode("latin-1")
    )
    found = await caller.answer()

    assert found.status == 400
    assert "this request cannot be read" in found.text
    assert await caller.end() == b""  # nor is what follows it read
    assert world.door.dials == 0


@pytest.mark.parametrize("name", BAD_CHUNKS)
async def test_chunks_that_could_be_read_in_two_ways_end_the_request(world: World, name: str) -> None:
    whole: list[bytes] = []

    async def read_whole(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        whole.append(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    await world.inside(read_whole)
    path = f"/_cove/{world.door.link()}/"
    caller = await world.connect()
    smuggled = f"GET {path}smuggled HTTP/1.1\r\nHost: {world.host}\r\n\r\n".encode()
    await caller.send(
        f"POST {path} HTTP/1.1\nHost: {world.host}\nTransfer-Encoding: chunked\n\n", BAD_CHUNKS[name] + smuggled
    )

    found = await caller.answer()

    assert found.status == 400
    assert await caller.end() == b""
    assert whole == []


@pytest.mark.parametrize(
    "connection", ["close, Host", "Content-Length", "X-Forwarded-For, Transfer-Encoding", "Origin"]
)
async def test_no_client_names_our_own_fields_as_its_connections(world: World, connection: str) -> None:
    seen: list[bytes] = []
    await world.inside(answering(requests=seen))

    answer = await world.ask(
        f"POST /_cove/{world.door.link()}/ HTTP/1.1\nHost: HOST\nConnection: {connection}\nContent-Length: 0\n"
        "Origin: https://a.example\n\n"
    )

    assert answer.status == 200
    names = [line.partition(":")[0] for line in seen[0].decode().split("\r\n")[1:-2]]
    assert names.count("Host") == names.count("Content-Length") == names.count("X-Forwarded-For") == 1


async def test_only_a_websocket_changes_the_protocol(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(requests=seen))
    token = world.door.link()

    await world.get(
        f"/_cove/{token}/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"
    )
    await world.get(f"/_cove/{token}/", "Connection: Upgrade", "Upgrade: websocket, h2c")

    for raw in seen:
        assert b"pgrade" not in raw
