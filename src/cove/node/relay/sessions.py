"""What the relay does for one session: it takes its connections, decides, dials, carries and counts."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv4Address

from cove.core.network import Address, Connection, NetworkPolicy, Verdict, canonical_name
from cove.node.relay.addresses import POOL, Addresses
from cove.node.relay.audit import Audit, Journal
from cove.node.relay.dialer import Dialer, DialRefused, is_own
from cove.node.relay.dns import Code, Kind, Query
from cove.node.relay.doors import Door
from cove.node.relay.hello import HelloGate
from cove.node.relay.names import Names
from cove.node.relay.pipe import Pipe, close_ordinarily, reset_on_close
from cove.node.relay.policy import NOT_PUBLIC, Policy, parse_address
from cove.node.relay.proxy import Opening, receive_wish, refusal
from cove.node.relay.quotas import DNS_CONNECTIONS, NEW_CONNECTIONS, RESOLUTIONS, Bucket
from cove.node.relay.resolver import Resolver

_SO_ORIGINAL_DST = 80
_DNS_PORT = 53
_NO_ADDRESS = IPv4Address(0)
"""Of who named its host by name."""


class Outside:
    """What every session shares: what the operator granted, who dials, the log, and how many connections each has."""

    def __init__(self, granted: tuple[str, ...], audit: Audit, share: Callable[[], int]) -> None:
        self.granted, self.audit, self.share = granted, audit, share
        self.names = Names()
        self.dialer = Dialer(self.names)


class Target:
    """Where a connection leads: the address that the session named, the name that it stands for, and the port.

    `opening` is what a proxy says first; None for who does not know of any proxy.
    """

    def __init__(self, address: Address, name: str | None, port: int, opening: Opening | None = None) -> None:
        self.address, self.name, self.port, self.opening = address, name, port, opening
        self.host = name or str(address)

    def is_allowed(self, policy: Policy, upstream: Address) -> bool:
        """Whether a connection that stands may go on; `upstream` is where it was dialled."""
        own = is_own(upstream)
        if self.name is None:
            return policy.allows_address(upstream, self.port, is_own=own)
        is_named = policy.allows_name(self.name, self.port)
        return is_named and policy.allows_result(self.name, upstream, self.port, is_own=own)


class Relayed:
    """One session at the relay, with its three listeners: DNS over UDP, DNS over TCP, and all other TCP."""

    def __init__(self, name: str, listeners: list[socket.socket], outside: Outside, policy: NetworkPolicy) -> None:
        now = asyncio.get_running_loop().time()
        self._outside = outside
        self._policy = Policy(policy, outside.granted)
        self._addresses = Addresses(self._policy)
        self._journal = Journal(name, outside.audit)
        datagrams, streams, others = listeners
        self._resolver = Resolver(self._addresses, datagrams, self._find, self._note_question)
        self._turn = asyncio.Semaphore(RESOLUTIONS)
        self._pipes: dict[Pipe, tuple[Target, Address]] = {}
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

    def change(self, policy: NetworkPolicy) -> None:
        """Go by another policy, and break off the connections that it does not allow; raises InvalidNetwork."""
        self._policy = Policy(policy, self._outside.granted)
        self._addresses.change(self._policy)
        for pipe, (target, upstream) in tuple(self._pipes.items()):
            if not target.is_allowed(self._policy, upstream):
                pipe.cut()

    def usage(self) -> tuple[int, int]:
        """Bytes that the session received and sent, over all its connections."""
        rx = self._rx_before + sum(pipe.rx_bytes for pipe in self._pipes)
        tx = self._tx_before + sum(pipe.tx_bytes for pipe in self._pipes)
        return rx, tx

    def lines(self, after: int) -> tuple[Connection, ...]:
        """The connections whose numbers follow `after`, oldest first; below 0, so many of the last."""
        return self._journal.after(after)

    async def _find(self, name: str, kind: int) -> Code:
        """Whether the open internet has a name that leads anywhere this session may go."""
        try:
            found = await self._outside.names.look_up(name, self._turn)
        except OSError:
            return Code.FAILED
        leads = any(self._policy.leads_somewhere(each, is_own=is_own(each)) for each in found)
        if found and not leads and kind == Kind.A:  # its other kinds are asked for beside it
            self._note(name, _DNS_PORT, "refused", reason=f"leads to {found[0]}: {NOT_PUBLIC}")
        return Code.OK if leads else Code.NO_SUCH_NAME

    def _note_question(self, query: Query) -> None:
        name = canonical_name(query.name)
        if query.kind == Kind.A and name:
            self._note(name, _DNS_PORT, "refused", reason="not allowed")

    async def _serve(self, connection: socket.socket) -> None:
        """One connection of the session. Until it is carried, whatever goes wrong shows as a broken connection."""
        with connection:
            reset_on_close(connection)
            with suppress(OSError, ValueError):  # gone already, or no words for a proxy
                await self._connect(connection, await self._target(connection))

    async def _target(self, connection: socket.socket) -> Target:
        """Where it was redirected from; who came to the listener itself must say, as to a proxy."""
        place = _original_destination(connection)
        if place is not None:
            address, port = place
            return Target(address, self._addresses.name(address), port)
        wish = await receive_wish(connection)
        try:
            return Target(parse_address(wish.host), None, wish.port, wish.opening)
        except ValueError:
            name = canonical_name(wish.host)
        if name is None:
            raise ValueError("no host")
        return Target(_NO_ADDRESS, name, wish.port, wish.opening)

    async def _connect(self, connection: socket.socket, target: Target) -> None:
        judged_by = self._policy
        try:
            upstream = await self._dial(target)
        except DialRefused as refused:
            self._note(target.host, target.port, "refused", reason=str(refused))
            await _tell(connection, target, 403, f"{target.host}:{target.port}: {refused}")
        except OSError as error:
            self._note(target.host, target.port, "failed", reason=str(error) or "no answer in time")
            await _tell(connection, target, 502, f"{target.host} does not answer")
        else:
            with upstream:
                peer = parse_address(upstream.getpeername()[0].partition("%")[0])
                if judged_by is self._policy or target.is_allowed(self._policy, peer):
                    await self._open(connection, upstream, target.opening)
                    await self._carry(Pipe(connection, upstream, self._gate(target)), target, peer)
                else:
                    self._note(target.host, target.port, "refused", reason="the policy was changed")

    async def _dial(self, target: Target) -> socket.socket:
        if target.name is not None:
            return await self._outside.dialer.dial_name(self._policy, target.name, target.port, self._turn)
        if target.address in POOL:
            raise DialRefused("stands for no name")
        return await self._outside.dialer.dial_address(self._policy, target.address, target.port)

    async def _open(self, connection: socket.socket, upstream: socket.socket, opening: Opening | None) -> None:
        if opening is not None:
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(connection, opening.to_session)
            await loop.sock_sendall(upstream, opening.to_upstream)
            self._tx_before += len(opening.to_upstream)

    async def _carry(self, pipe: Pipe, target: Target, peer: Address) -> None:
        self._pipes[pipe] = target, peer
        try:
            await pipe.run()
        finally:
            del self._pipes[pipe]
            self._rx_before += pipe.rx_bytes
            self._tx_before += pipe.tx_bytes
            self._note_end(pipe, target)

    def _gate(self, target: Target) -> HelloGate | None:
        if target.name is None or not self._policy.reads_hellos:
            return None
        name, port, policy = target.name, target.port, self._policy
        return HelloGate(lambda host: policy.allows_hello(host, name, port))

    def _note_end(self, pipe: Pipe, target: Target) -> None:
        if pipe.is_refused:
            self._note(target.host, target.port, "refused", reason="its TLS hello names another host", pipe=pipe)
        elif pipe.is_cut:
            self._note(target.host, target.port, "cut", reason="the policy was changed", pipe=pipe)
        else:
            self._note(target.host, target.port, "carried", pipe=pipe)

    def _note(self, host: str, port: int, verdict: Verdict, *, reason: str = "", pipe: Pipe | None = None) -> None:
        rx, tx = (pipe.rx_bytes, pipe.tx_bytes) if pipe else (0, 0)
        line = Connection(
            number=0, time=time.time(), host=host, port=port, verdict=verdict, rx_bytes=rx, tx_bytes=tx, reason=reason
        )
        self._journal.note(line)


async def _tell(connection: socket.socket, target: Target, status: int, reason: str) -> None:
    """Say why not to who can hear it: a proxy's client. All others see a broken connection."""
    if target.opening is not None:
        close_ordinarily(connection)
        await asyncio.get_running_loop().sock_sendall(connection, refusal(status, reason))


def _original_destination(connection: socket.socket) -> tuple[IPv4Address, int] | None:
    """Where the session meant to connect, before the redirect; None where it meant us."""
    try:
        port, packed = struct.unpack("!2xH4s8x", connection.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16))
    except OSError:  # there is no redirect
        return None
    address = IPv4Address(packed)  # inside, loopback is the session's own, and nobody is redirected from there
    return None if address.is_loopback else (address, port)
