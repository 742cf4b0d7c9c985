"""Opens connections to the outside, to what the policy lets through and to nothing else."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address

from cove.node.relay.policy import Address, Policy, parse_address

_THREADS = 32
_CONNECT_SECONDS, _ALL_SECONDS = 5.0, 15.0
"""For one of a name's addresses, and for all of them: a dead first one leaves time for the next."""
_REMEMBERED_SECONDS = 30.0
_REMEMBERED_NAMES = 1024


class DialRefused(Exception):  # noqa: N818 (a verdict, which the log names)
    """The policy does not let this connection through."""


class Dialer:
    """Resolves and dials for every session; one look-up of a name serves them all for half a minute."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
        self._remembered: dict[str, tuple[float, list[Address]]] = {}

    async def dial_name(self, name: str, port: int, turn: asyncio.Semaphore) -> socket.socket:
        """A socket connected to an allowed name; `turn` is the session's right to look names up.

        Raises DialRefused, or OSError when nobody answers.
        """
        if not self._policy.allows_name(name, port):
            raise DialRefused(f"port {port} of {name} is not allowed")
        async with turn:
            found = await self._resolve(name)
        allowed = [each for each in found if self._policy.allows_result(name, each, port, is_own=_is_own(each))]
        if not allowed:
            raise DialRefused(f"{name} leads to {', '.join(map(str, found))}, which only a literal would allow")
        return await _first_connected(allowed, port)

    async def dial_address(self, address: IPv4Address, port: int) -> socket.socket:
        """A socket connected to an address that the session named itself; raises DialRefused or OSError."""
        if not self._policy.allows_address(address, port, is_own=_is_own(address)):
            raise DialRefused(f"{address}:{port} is not allowed")
        return await _first_connected([address], port)

    async def _resolve(self, name: str) -> list[Address]:
        loop = asyncio.get_running_loop()
        until, found = self._remembered.get(name, (0.0, []))
        if loop.time() < until:
            return found
        answers = await loop.run_in_executor(self._threads, _look_up, name)
        if len(self._remembered) >= _REMEMBERED_NAMES:
            self._remembered.clear()
        self._remembered[name] = (loop.time() + _REMEMBERED_SECONDS, answers)
        return answers


def _look_up(name: str) -> list[Address]:
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(parse_address(str(answer[4][0]).partition("%")[0]) for answer in answers))


def _is_own(address: Address) -> bool:
    """Whether the address is this machine's: the kernel binds a socket to such a one only."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


async def _first_connected(addresses: list[Address], port: int) -> socket.socket:
    failure = OSError("no address")
    async with asyncio.timeout(_ALL_SECONDS):
        for address in addresses:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await _connect(address, port)
            except OSError as error:  # TimeoutError is an OSError
                failure = error
    raise failure


async def _connect(address: Address, port: int) -> socket.socket:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection
