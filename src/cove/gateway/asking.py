"""The gateway's questions to the server, and the news that come from it unasked."""

import asyncio
import json
import os
import socket
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any, cast

import msgspec

from cove.core.errors import Exhausted, error_from_wire
from cove.core.ids import SessionId
from cove.core.ports import Admission, LinkWatcher
from cove.gateway.control import (
    Admit,
    CallTool,
    Certify,
    Channel,
    Closed,
    Dial,
    Paused,
    Question,
    Reply,
    Setup,
    ToGateway,
    Used,
)

_ADMISSIONS_AT_ONCE = 128
"""The others wait for their turn. What may take long, a dial or a tool, is bounded by session and by token instead."""
_TOOLS_AT_ONCE = 16
"""By token."""
Answer = tuple[Reply, int | None]


class Server:
    """The server at the other end of the control socket. What it refuses is raised here as the same error."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._numbers = count(1)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._admissions = asyncio.Semaphore(_ADMISSIONS_AT_ONCE)
        self._tools: Counter[str] = Counter()

    async def setup(self) -> Setup | None:
        """The first message; None if the server hung up."""
        received = await self._channel.receive()
        return msgspec.json.decode(received[0], type=Setup) if received else None

    async def listen(self, watcher: LinkWatcher) -> None:
        """Take answers and news until the server hangs up."""
        while received := await self._channel.receive():
            body, descriptor = received
            message = msgspec.json.decode(body, type=ToGateway)
            if isinstance(message, Closed):
                watcher.closed(message.session_id, message.link_id)
            elif isinstance(message, Paused):
                watcher.paused(message.session_id)
            elif isinstance(message, Reply):
                self._deliver(message, descriptor)

    async def admit(self, token: str) -> Admission:
        """Whom the token lets in; raises as `LinkDoor.admit` does."""
        async with self._admissions:
            reply, _ = await self._ask(lambda number: Admit(number, token))
        return cast("Admission", reply.admission)

    async def dial(self, token: str) -> socket.socket:
        """A connection to where the token leads; raises as `LinkDoor` does."""
        _, descriptor = await self._ask(lambda number: Dial(number, token))
        return socket.socket(fileno=cast("int", descriptor))

    async def call_tool(
        self, token: str, tool: str, arguments: dict[str, Any], *, request_id: str, user_agent: str
    ) -> dict[str, Any]:
        """A tool's result; raises as `LinkDoor.call_tool` does, and Exhausted where too many run with this token."""
        if self._tools[token] >= _TOOLS_AT_ONCE:
            raise Exhausted(reason=f"{_TOOLS_AT_ONCE} tools run with this token; wait until one has ended")
        self._tools[token] += 1
        try:
            _, descriptor = await self._ask(
                lambda number: CallTool(number, token, tool, arguments, request_id, user_agent)
            )
        finally:
            self._tools -= Counter([token])
        with open(cast("int", descriptor), "rb") as result:  # noqa: ASYNC230 - it lies in memory
            return cast("dict[str, Any]", json.load(result))

    async def certify(self, address: str) -> str:
        """Certificates and key, as PEM, for connections to this address."""
        reply, _ = await self._ask(lambda number: Certify(number, address))
        return reply.pem

    def used(self, sessions: list[SessionId]) -> None:
        """Tell that bytes flowed."""
        self._channel.send(Used(sessions))

    async def _ask(self, question: Callable[[int], Question]) -> Answer:
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            self._channel.send(question(number))
            reply, descriptor = await answer
        except asyncio.CancelledError:
            _close_unasked(answer)
            raise
        finally:
            del self._answers[number]
        if reply.code:
            raise error_from_wire(reply.code, reply.facts, reply.message)
        return reply, descriptor

    def _deliver(self, reply: Reply, descriptor: int | None) -> None:
        answer = self._answers.get(reply.number)
        if answer is not None and not answer.done():
            answer.set_result((reply, descriptor))
        elif descriptor is not None:  # whoever asked did not wait
            os.close(descriptor)


def _close_unasked(answer: "asyncio.Future[Answer]") -> None:
    """The answer came in the same moment in which whoever asked was cut."""
    if answer.done() and not answer.cancelled() and (descriptor := answer.result()[1]) is not None:
        os.close(descriptor)
