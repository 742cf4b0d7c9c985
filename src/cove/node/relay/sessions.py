"""What the relay does for one session: it takes its connections, decides, dials, carries and counts."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address

from cove.node.relay.addresses import POOL, Addresses
from cove.node.relay.audit import Audit, Line
from cove.node.relay.dialer import Dialer, DialRefused
from cove.node.relay.doors import Door
from cove.node.relay.hello import HelloGate
from cove.node.relay.pipe import Pipe, reset_on_close
from cove.node.relay.policy import Policy
from cove.node.relay.quotas import DNS_CONNECTIONS, NEW_CONNECTIONS, RESOLUTIONS, Bucket
from cove.node.relay.resolver import Resolver

_SO_ORIGINAL_DST = 80
_TLS_PORT = 443


class Outside:
    """What every session shares: the policy, who dials by it, the log, and how many connections each may have."""

    def __init__(self, policy: Policy, audit: Audit, share: Callable[[], int]) -> None:
        self.policy, self.audit, self.share = policy, audit, share
        self.dialer = Dialer(policy)


class Relayed:
    """One session at the relay, with its three listeners: DNS over UDP, DNS over TCP, and all other TCP."""

    def __init__(self, name: str, listeners: list[socket.socket], outside: Outside) -> None:
        now = asyncio.get_running_loop().time()
        self._name, self._outside = name, outside
        self._addresses = Addresses(outside.policy)
        datagrams, streams, others = listeners
        self._resolver = Resolver(self._addresses, datagrams)
        self._turn = asyncio.Semaphore(RESOLUTIONS)
        self._pipes: set[Pipe] = set()
        self._rx_before = self._tx_before = 0
        self._doors = (
            Door(
                streams, self._resolver.serve_stream, most=lambda: DNS_CONNECTIONS, bucket=Bucket(*NEW_CONNECTIONS, now)
            ),
            Door(others, self._serve, most=outside.share, bucket=Bucket(*NEW_CONNECTIONS, now)),
        )

    def open(self) -> None:
        """Begin to listen."""
        self._resolver.open()
        for door in self._doors:
            door.open()

    async def close(self) -> None:
        """Stop listening and break every connection off."""
        self._resolver.close()
        for door in self._doors:
            await door.close()

    def usage(self) -> tuple[int, int]:
        """Bytes that the session received and sent, over all its connections."""
        rx = self._rx_before + sum(pipe.rx_bytes for pipe in self._pipes)
        tx = self._tx_before + sum(pipe.tx_bytes for pipe in self._pipes)
        return rx, tx

    async def _serve(self, connection: socket.socket) -> None:
        """One connection of the session. Until it is carried, whatever goes wrong shows as a broken connection."""
        with connection:
            reset_on_close(connection)
            with suppress(OSError):  # gone already, or come past the redirect
                await self._connect(connection, *_original_destination(connection))

    async def _connect(self, connection: socket.socket, address: IPv4Address, port: int) -> None:
        name = self._addresses.name(address)
        host = name or str(address)
        try:
            upstream = await self._dial(address, name, port)
        except DialRefused as refusal:
            self._note(host, port, "refused", reason=str(refusal))
        except OSError as error:
            self._note(host, port, "failed", reason=str(error) or "no answer in time")
        else:
            gate = HelloGate(name) if name and port == _TLS_PORT else None
            await self._carry(Pipe(connection, upstream, gate), host, port)

    async def _dial(self, address: IPv4Address, name: str | None, port: int) -> socket.socket:
        if name is not None:
            return await self._outside.dialer.dial_name(name, port, self._turn)
        if address in POOL:
            raise DialRefused(f"{address} stands for no name")
        return await self._outside.dialer.dial_address(address, port)

    async def _carry(self, pipe: Pipe, host: str, port: int) -> None:
        self._pipes.add(pipe)
        try:
            await pipe.run()
        finally:
            self._pipes.discard(pipe)
            self._rx_before += pipe.rx_bytes
            self._tx_before += pipe.tx_bytes
            verdict, reason = ("refused", "its TLS hello names another host") if pipe.is_refused else ("carried", "")
            self._note(host, port, verdict, reason=reason, pipe=pipe)

    def _note(self, host: str, port: int, verdict: str, *, reason: str, pipe: Pipe | None = None) -> None:
        rx, tx = (pipe.rx_bytes, pipe.tx_bytes) if pipe else (0, 0)
        line = Line(time.time(), self._name, host, port, verdict, rx_bytes=rx, tx_bytes=tx, reason=reason)
        self._outside.audit.note(line)


def _original_destination(connection: socket.socket) -> tuple[IPv4Address, int]:
    """Where the session meant to connect, before the redirect; raises OSError."""
    port, packed = struct.unpack("!2xH4s8x", connection.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16))
    return IPv4Address(packed), port
