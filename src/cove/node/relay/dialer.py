"""Opens connections to the outside, to what the policy lets through and to nothing else."""

import asyncio
import socket

from cove.core.network import Address
from cove.node.connecting import connect
from cove.node.relay.names import Names
from cove.node.relay.policy import Policy

_CONNECT_SECONDS, _ALL_SECONDS = 5.0, 15.0
"""For one of a name's addresses, and for all of them: a dead first one leaves time for the next."""
_MOST_TOLD = 4


class DialRefused(Exception):  # noqa: N818 (a verdict, which the log names)
    """The policy does not let this connection through."""


class Dialer:
    """Resolves and dials for every session."""

    def __init__(self, names: Names) -> None:
        self._names = names

    async def dial_name(self, policy: Policy, name: str, port: int, turn: asyncio.Semaphore) -> socket.socket:
        """A socket connected to an allowed name; `turn` is the session's right to look names up.

        What was resolved is what is judged, and what was judged is what is dialled: no second answer comes between.
        Raises DialRefused, or OSError when nobody answers.
        """
        if not policy.allows_name(name, port):
            raise DialRefused("not allowed")
        found = await self._names.look_up(name, turn)
        if not found:
            raise OSError(f"there is no host {name}")
        allowed = [each for each in found if policy.allows_result(name, each, port, is_own=is_own(each))]
        if not allowed:
            told = ", ".join(map(str, found[:_MOST_TOLD]))
            raise DialRefused(f"leads to {told}: {policy.reason(found[0], is_own=is_own(found[0]))}")
        return await _first_connected(allowed, port)

    async def dial_address(self, policy: Policy, address: Address, port: int) -> socket.socket:
        """A socket connected to an address that the session named itself; raises DialRefused or OSError."""
        own = is_own(address)
        if not policy.allows_address(address, port, is_own=own):
            raise DialRefused(policy.reason(address, is_own=own))
        return await _first_connected([address], port)


def is_own(address: Address) -> bool:
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
        await connect(connection, (str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection
