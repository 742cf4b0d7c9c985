"""Answers a session's DNS, over UDP and over TCP, from its table of addresses alone: no question leaves the machine."""

import asyncio
import socket

from cove.node.relay.addresses import Addresses
from cove.node.relay.dns import LONGEST_MESSAGE, FrameReader, frame, parse_query
from cove.node.relay.quotas import QUERIES, Bucket

_AT_ONCE = 32
"""Datagrams taken in one turn of the loop; then others have theirs."""
_IDLE_SECONDS = 10.0


class Resolver:
    """One session's questions, and how many it may ask."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._bucket = Bucket(*QUERIES, asyncio.get_running_loop().time())

    def answer(self, message: bytes) -> bytes | None:
        """The answer; None for what gets none, because it is no question or there were too many."""
        if not self._bucket.take(asyncio.get_running_loop().time()):
            return None
        query = parse_query(message)
        return None if query is None else self._addresses.answer(query)

    def serve_datagrams(self, listener: socket.socket) -> None:
        """Answer what lies waiting; to be called when the socket is readable."""
        for _ in range(_AT_ONCE):
            try:
                message, sender = listener.recvfrom(LONGEST_MESSAGE + 1)
                answer = self.answer(message)
                if answer is not None:
                    listener.sendto(answer, sender)
            except OSError:  # nothing more is waiting, or the sender has gone
                return

    async def serve_stream(self, connection: socket.socket) -> None:
        """Answer over one TCP connection until it ends, is idle, or says what is no DNS."""
        with connection:
            try:
                await self._converse(connection)
            except (OSError, ValueError):  # TimeoutError is an OSError
                return

    async def _converse(self, connection: socket.socket) -> None:
        loop, reader = asyncio.get_running_loop(), FrameReader()
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                data = await loop.sock_recv(connection, LONGEST_MESSAGE)
                for message in reader.feed(data):
                    answer = self.answer(message)
                    if answer is None:
                        return
                    await loop.sock_sendall(connection, frame(answer))
            if not data:
                return
