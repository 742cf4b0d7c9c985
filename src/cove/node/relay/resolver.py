"""Answers a session's DNS, over UDP and over TCP, from its table of addresses alone: no question leaves the machine."""

import asyncio
import socket

from cove.node.relay.addresses import Addresses
from cove.node.relay.dns import LONGEST_MESSAGE, FrameReader, frame, parse_query
from cove.node.relay.quotas import QUERIES, Bucket

_AT_ONCE = 32
"""Datagrams taken in one turn of the loop; then others have theirs."""
_REST_SECONDS = 0.05
_IDLE_SECONDS = 10.0


class Resolver:
    """One session's questions, and how many it may ask; the rest costs nobody else, since it is not even read."""

    def __init__(self, addresses: Addresses, datagrams: socket.socket) -> None:
        self._addresses, self._datagrams = addresses, datagrams
        self._bucket = Bucket(*QUERIES, asyncio.get_running_loop().time())
        self._resting: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to answer datagrams."""
        self._resting = None
        asyncio.get_running_loop().add_reader(self._datagrams, self._serve_datagrams)

    def close(self) -> None:
        """Answer no more of them."""
        if self._resting:
            self._resting.cancel()
        asyncio.get_running_loop().remove_reader(self._datagrams)
        self._datagrams.close()

    def answer(self, message: bytes) -> bytes | None:
        """The answer; None for what gets none, because it is no question."""
        query = parse_query(message)
        return None if query is None else self._addresses.answer(query)

    def _serve_datagrams(self) -> None:
        """Answer what lies waiting, within the quota; beyond it, let it wait or be dropped by the kernel."""
        loop = asyncio.get_running_loop()
        for _ in range(_AT_ONCE):
            if self._bucket.is_empty(loop.time()):
                loop.remove_reader(self._datagrams)
                self._resting = loop.call_later(_REST_SECONDS, self.open)
                return
            try:
                message, sender = self._datagrams.recvfrom(LONGEST_MESSAGE + 1)
                self._bucket.take()
                answer = self.answer(message)
                if answer is not None:
                    self._datagrams.sendto(answer, sender)
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
                    answer = None if self._bucket.is_empty(loop.time()) else self.answer(message)
                    if answer is None:
                        return
                    self._bucket.take()
                    await loop.sock_sendall(connection, frame(answer))
            if not data:
                return
