"""What tests of the relay share: a client in a namespace of its own, the relay between, servers outside."""

import asyncio
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from cove.core.ids import SessionId
from cove.core.network import NetworkPolicy
from cove.node.netns import open_listeners
from cove.node.relay import Relay
from cove.node.relay.handle import Log

needs_network = pytest.mark.skipif(os.geteuid() != 0 or which("ip") is None, reason="needs root and ip")
CLIENT = Path(__file__).parent / "inside_netns.py"
NAMED, OWN, FOREIGN = "203.0.113.7", "203.0.113.9", "203.0.113.200"
SESSION = SessionId("s-1")
BOUND = 120.0


class Inside:
    """A program in a sandbox's network namespace: takes one request a line, and answers in one."""

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(CLIENT), *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._ask_now({"do": "ready"})

    def listeners(self) -> list[int]:
        namespace = os.open(f"/proc/{self._process.pid}/ns/net", os.O_RDONLY)
        try:
            return open_listeners(namespace)
        finally:
            os.close(namespace)

    async def ask(self, **request: Any) -> Any:
        async with asyncio.timeout(BOUND):
            return await asyncio.to_thread(self._ask_now, request)

    def _ask_now(self, request: dict[str, Any]) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def rules(*allow: str) -> NetworkPolicy:
    return NetworkPolicy(mode="rules", allow=allow)


@asynccontextmanager
async def relaying(
    inside: Inside, *allow: str, policy: NetworkPolicy | None = None, log: Log | None = None
) -> AsyncIterator[Relay]:
    """The operator grants `allow`; the session's policy is `policy`, or these very entries."""
    relay = Relay(allow, log=log)
    await relay.start()
    try:
        await relay.attach(SESSION, inside.listeners(), policy or rules(*allow))
        yield relay
    finally:
        await relay.stop()


@asynccontextmanager
async def serving(address: str, handler: Any) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, address, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back all that came, once the client has said that it was all."""
    data = await reader.read()
    writer.write(b"got " + data)
    with suppress(ConnectionError):
        await writer.drain()
    writer.close()


def question(name: str, kind: int = 1) -> str:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return (struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!BHH", 0, kind, 1)).hex()


def address_in(answer: str) -> str:
    """The A record at the end of an answer, "" when it has none."""
    message = bytes.fromhex(answer)
    return socket.inet_ntoa(message[-4:]) if message[7] else ""


def code_of(answer: str) -> int:
    return bytes.fromhex(answer)[3] & 15
