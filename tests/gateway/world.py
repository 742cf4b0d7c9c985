"""A gateway in its own process, a fake door, and servers that stand for those inside sessions."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

from tests.gateway.fake_door import ADDRESS, PORT, SESSION, FakeDoor

from cove.gateway import Gateway, listen_on_loopback

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
PATIENCE = 60.0


class World:
    """What a test of links is in."""

    def __init__(self, door: FakeDoor, gateway: Gateway, port: int) -> None:
        self.door, self.gateway, self.port = door, gateway, port
        self._stack = contextlib.AsyncExitStack()

    async def clear(self) -> None:
        """As if nobody had been here."""
        await self._stack.aclose()
        self.door.clear()

    @property
    def host(self) -> str:
        """The `Host` of the first session's links."""
        return f"{ADDRESS}:{self.port}"

    async def inside(self, serve: Serve, *, session: str = SESSION, port: int = PORT) -> int:
        """Have `serve` take connections on a session's port; gives the true one."""

        async def cared_for(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
            writer.close()

        server = await asyncio.start_server(cared_for, "127.0.0.1", 0, limit=1 << 20)
        self._stack.callback(server.close)
        true_port: int = server.sockets[0].getsockname()[1]
        self.door.inside[session, port] = true_port
        return true_port

    async def connect(self, address: str = ADDRESS) -> "Caller":
        """A client's connection."""
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(address, self.port, limit=1 << 20)
        self._stack.callback(writer.close)
        return Caller(reader, writer)

    async def ask(self, text: str, body: bytes = b"", address: str = ADDRESS) -> "Answer":
        """One request on a connection of its own; `HOST` in it stands for ours."""
        caller = await self.connect(address)
        await caller.send(text.replace("HOST", f"{address}:{self.port}"), body)
        try:
            return await caller.answer()
        finally:
            caller.writer.close()

    async def get(self, target: str, *fields: str, address: str = ADDRESS) -> "Answer":
        """A GET on a connection of its own."""
        return await self.ask("\n".join([f"GET {target} HTTP/1.1", "Host: HOST", *fields, "", ""]), address=address)


class Answer:
    """What came back."""

    def __init__(self, status: int, fields: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.fields, self.body = status, fields, body

    @property
    def text(self) -> str:
        return self.body.decode()

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.fields if each.lower() == name]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


class Caller:
    """A client that writes HTTP by hand, as hostile ones do."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, text: str, body: bytes = b"") -> None:
        """Lines end in LF here, and in CRLF on the wire."""
        self.writer.write(text.replace("\n", "\r\n").encode("latin-1") + body)
        await self.writer.drain()

    async def head(self) -> Answer:
        """An answer's head."""
        async with asyncio.timeout(PATIENCE):
            raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
        pairs = (line.partition(": ") for line in lines)
        return Answer(int(first.split()[1]), [(name, value) for name, _, value in pairs], b"")

    async def answer(self, *, has_body: bool = True) -> Answer:
        """An answer with its body."""
        found = await self.head()
        if has_body:
            async with asyncio.timeout(PATIENCE):
                found.body = await self._body(found)
        return found

    async def _body(self, found: Answer) -> bytes:
        if found.all("transfer-encoding"):
            return b"".join([chunk async for chunk in self.chunks()])
        if lengths := found.all("content-length"):
            return await self.reader.readexactly(int(lengths[0]))
        return await self.reader.read()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of a body, as they come."""
        while size := int((await self.reader.readuntil(b"\r\n")).strip(), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readuntil(b"\r\n")

    async def end(self) -> bytes:
        """What still comes until the connection ends."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def is_reset(self) -> bool:
        """Wait for the end; whether it was a reset."""
        try:
            await self.end()
        except ConnectionResetError:
            return True
        return False


@contextlib.asynccontextmanager
async def running_world(wildcard: str = "") -> AsyncIterator[World]:
    """A gateway until the block is left."""
    door = FakeDoor()
    listener = listen_on_loopback(0)
    gateway = Gateway(door, listener, wildcard=wildcard)
    await gateway.start()
    world = World(door, gateway, listener.getsockname()[1])
    try:
        yield world
    finally:
        await world.clear()
        await gateway.stop()
        listener.close()


def request_head(raw: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The request line and the fields that a server inside was sent."""
    first, *lines = raw.decode("latin-1").split("\r\n")[:-2]
    return first, [(name, value) for name, _, value in (line.partition(": ") for line in lines)]


def hanging(asked: asyncio.Event) -> Serve:
    """A server that says when it was asked, and never answers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await reader.read()

    return serve


def answering(
    body: bytes = b"hello", *fields: str, status: str = "200 OK", requests: list[bytes] | None = None
) -> Serve:
    """A server that answers every request the same, and keeps the heads it saw."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            raw = await reader.readuntil(b"\r\n\r\n")
            if requests is not None:
                requests.append(raw)
            lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()

    return serve


def saying(raw: bytes) -> Serve:
    """A server that says `raw` to every request, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    return serve


@contextlib.contextmanager
def deaf_port() -> Iterator[int]:
    """A port on which nobody listens, nor can."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])


def told_of(pid: int | None, name: str) -> bytes:
    """What the kernel tells of a process."""
    return Path(f"/proc/{pid}/{name}").read_bytes()


def memory_of(pid: int | None) -> int:
    """Bytes that a process holds."""
    return int(told_of(pid, "statm").split()[1]) * 4096


def files_of(pid: int | None) -> int:
    """How many files a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def is_alive(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()
