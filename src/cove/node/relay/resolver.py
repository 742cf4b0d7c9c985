"""Answers a session's DNS, over UDP and over TCP, from its own table of addresses: no question leaves as it came."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

from cove.node.relay.addresses import Addresses
from cove.node.relay.dns import LONGEST_MESSAGE, Code, FrameReader, Query, build_answer, frame, parse_query
from cove.node.relay.quotas import QUERIES, WAITING_QUERIES, Bucket

_AT_ONCE = 32
"""Datagrams taken in one turn of the loop; then others have theirs."""
_REST_SECONDS = 0.05
_IDLE_SECONDS = 10.0

Find = Callable[[str, int], Awaitable[Code]]
"""Says of a name that the open internet may have, asked for by a kind of record: OK, NO_SUCH_NAME, or FAILED."""
Refused = Callable[[Query], None]
"""Told of a question for a name that the policy does not know."""


class Resolver:
    """One session's questions, and how many it may ask; the rest costs nobody else, since it is not even read."""

    def __init__(self, addresses: Addresses, datagrams: socket.socket, find: Find, refused: Refused) -> None:
        self._addresses, self._datagrams, self._find, self._refused = addresses, datagrams, find, refused
        self._bucket = Bucket(*QUERIES, asyncio.get_running_loop().time())
        self._resting: asyncio.TimerHandle | None = None
        self._waiting: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Begin to answer datagrams."""
        self._resting = None
        asyncio.get_running_loop().add_reader(self._datagrams, self._serve_datagrams)

    def close(self) -> None:
        """Answer no more of them."""
        if self._resting:
            self._resting.cancel()
        for task in self._waiting:
            task.cancel()
        asyncio.get_running_loop().remove_reader(self._datagrams)
        self._datagrams.close()

    async def answer(self, query: Query) -> bytes:
        """The answer, after the name was looked up where that is needed."""
        name = self._addresses.unsure(query)
        code = await self._find(name, query.kind) if name else Code.OK
        return build_answer(query, code=code) if code is not Code.OK else self._answer_at_once(query)

    def _answer_at_once(self, query: Query) -> bytes:
        if self._addresses.is_refused(query):
            self._refused(query)
        return self._addresses.answer(query)

    def _serve_datagrams(self) -> None:
        """Answer what lies waiting, within the quota; beyond it, let it wait or be dropped by the kernel."""
        loop = asyncio.get_running_loop()
        for _ in range(_AT_ONCE):
            if self._bucket.is_empty(loop.time()) or len(self._waiting) >= WAITING_QUERIES:
                loop.remove_reader(self._datagrams)
                self._resting = loop.call_later(_REST_SECONDS, self.open)
                return
            try:
                message, sender = self._datagrams.recvfrom(LONGEST_MESSAGE + 1)
                self._bucket.take()
                self._serve_datagram(message, sender)
            except OSError:  # nothing more is waiting, or the sender has gone
                return

    def _serve_datagram(self, message: bytes, sender: tuple[str, int]) -> None:
        """What gets no answer is no question."""
        query = parse_query(message)
        if query is None:
            return
        if self._addresses.unsure(query) is None:
            self._datagrams.sendto(self._answer_at_once(query), sender)
            return
        task = asyncio.get_running_loop().create_task(self._serve_later(query, sender))  # kept, and ended by close()
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _serve_later(self, query: Query, sender: tuple[str, int]) -> None:
        try:
            self._datagrams.sendto(await self.answer(query), sender)
        except OSError:  # the sender has gone
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
                query = None if self._bucket.is_empty(loop.time()) else parse_query(message)
                if query is None:
                    return
                self._bucket.take()
                answer = await self.answer(query)
                async with asyncio.timeout(_IDLE_SECONDS):
                    await loop.sock_sendall(connection, frame(answer))
            if not data:
                return
