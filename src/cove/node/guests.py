"""Calls into a guest: one connection each, every byte of the answer suspected."""

import asyncio
import os
import re
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cove.core.errors import CallNotFound, GuestMisbehaved, GuestSilent, error_from_wire
from cove.core.frames import MAX_FRAME, FrameReader, FrameRefused, frame
from cove.core.ids import CallId, SessionId
from cove.core.tool import Failure, Outcome
from cove.node.answers import decode_answer

_CHUNK = 256 * 1024
_GRACE = 8.0
"""Seconds beyond a tool's own timeout that a guest on a busy machine gets to answer. Clients wait ten, so that they are
told by us what happened."""
_DEFAULT_PATIENCE = 120.0
_SLICE, _MOST_OF_A_SLICE = 1.0, 2.0
"""A machine that stands still for longer has not let the guest answer, either."""
_MOST_BYTES, _MOST_MESSAGES = MAX_FRAME + _CHUNK, 1000
"""Of one conversation: a guest that talks on and on without answering is cut off."""
_FAILURE_CODE = re.compile(r"[A-Za-z]{1,64}")
_LONGEST_MESSAGE = 64 * 1024


class GuestDoor:
    """The way to one guest. `is_frozen` tells whether time stands still inside, which no deadline counts."""

    def __init__(self, session_id: SessionId, directory: Path, is_frozen: Callable[[], bool]) -> None:
        self._session_id = session_id
        self._directory = directory
        self._is_frozen = is_frozen

    async def call(self, call_id: CallId, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Run a tool; raises GuestMisbehaved, GuestSilent, or what the guest says of the arguments."""
        params = {"name": tool, "arguments": arguments, "callId": call_id}
        return self._outcome(await self._ask("tools/call", params, _patience(arguments)))

    async def ask(self, method: str, params: dict[str, Any]) -> Outcome:
        """Something that is no tool, and takes no time; raises what `call` raises."""
        return self._outcome(await self._ask(method, params, _GRACE))

    async def begin(self, method: str, params: dict[str, Any]) -> tuple[Outcome, socket.socket, bytes]:
        """The same, and the connection on which the guest goes on to speak, with what it has said already."""
        reader = FrameReader(decode=decode_answer, is_last=True)
        try:
            with _connected(self._directory) as connection:
                message = await self._patiently(self._answer_on(connection, reader, _request(method, params)), _GRACE)
                return self._outcome(self._result(message)), connection.dup(), reader.rest()
        except OSError as error:
            raise self._misbehaved(str(error)) from error

    def _outcome(self, result: dict[str, Any]) -> Outcome:
        content = result.get("structuredContent")
        if not isinstance(content, dict):
            raise self._misbehaved("a result without structured content")
        if not result.get("isError"):
            return Outcome(structured=content)
        return Outcome(failure=self._failure(content.get("code"), content.get("message")))

    async def ping(self, patience: float = _GRACE) -> None:
        """Return once the guest answers."""
        await self._ask("ping", {}, patience)

    async def cancel(self, call_id: CallId) -> None:
        """End a running call; raises CallNotFound."""
        result = await self._ask("notifications/cancelled", {"requestId": call_id}, _GRACE)
        if result.get("cancelled") is not True:
            raise CallNotFound(call_id=call_id, session_id=self._session_id)

    async def _ask(self, method: str, params: dict[str, Any], patience: float) -> dict[str, Any]:
        return self._result(await self._patiently(self._exchange(_request(method, params)), patience))

    async def _patiently(self, work: Coroutine[Any, Any, dict[str, Any]], patience: float) -> dict[str, Any]:
        """Until it is done, or has had `patience` seconds of time that did not stand still."""
        exchange, left = asyncio.ensure_future(work), patience
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            while not (await asyncio.wait({exchange}, timeout=min(_SLICE, left)))[0]:
                passed, began = clock() - began, clock()
                left -= 0.0 if self._is_frozen() else min(passed, _MOST_OF_A_SLICE)
                if left <= 0:
                    raise GuestSilent(session_id=self._session_id, seconds=patience)
        finally:
            exchange.cancel()
        return exchange.result()

    async def _exchange(self, request: bytes) -> dict[str, Any]:
        try:
            with _connected(self._directory) as connection:
                return await self._answer_on(connection, FrameReader(decode=decode_answer), request)
        except OSError as error:
            raise self._misbehaved(str(error)) from error

    async def _answer_on(self, connection: socket.socket, reader: FrameReader, request: bytes) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        received = messages = 0
        try:
            await loop.sock_sendall(connection, request)
            while data := await loop.sock_recv(connection, _CHUNK):
                told = reader.feed(data)
                for message in told:
                    if "id" in message:
                        return message
                received, messages = received + len(data), messages + len(told)
                if received > _MOST_BYTES or messages > _MOST_MESSAGES:
                    raise self._misbehaved(f"{messages} messages and {received} bytes without an answer")
                await asyncio.sleep(0)  # what is there is received without waiting: let others have their turn
        except (OSError, FrameRefused) as error:
            raise self._misbehaved(str(error)) from error
        raise self._misbehaved("it hung up; the guest was killed and starts anew")

    def _result(self, message: dict[str, Any]) -> dict[str, Any]:
        error, result = message.get("error"), message.get("result")
        if isinstance(error, dict):
            raise self._refusal(error)
        if not isinstance(result, dict):
            raise self._misbehaved("neither a result nor an error")
        return result

    def _refusal(self, error: dict[str, Any]) -> Exception:
        data = error.get("data")
        facts = data.get("facts") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(facts, dict) or data.get("code") not in _MAY_REFUSE:
            return self._misbehaved(f"an error that is none of ours: {str(error.get('message'))[:200]}")
        return error_from_wire(data["code"], facts, str(error.get("message")))

    def _failure(self, code: object, message: object) -> Failure:
        if not isinstance(code, str) or not isinstance(message, str) or not _FAILURE_CODE.fullmatch(code):
            raise self._misbehaved("a failure without a code and a sentence")
        return Failure(code, message[:_LONGEST_MESSAGE])

    def _misbehaved(self, reason: str) -> GuestMisbehaved:
        return GuestMisbehaved(session_id=self._session_id, reason=reason)


def _request(method: str, params: dict[str, Any]) -> bytes:
    return frame({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


_MAY_REFUSE = ("InvalidToolArguments", "ToolNotFound")


def _patience(arguments: dict[str, Any]) -> float:
    for name, unit in (("timeout_ms", 1e-3), ("timeout_s", 1.0)):
        value = arguments.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9:
            return value * unit + _GRACE
    return _DEFAULT_PATIENCE


@contextmanager
def _connected(directory: Path) -> Iterator[socket.socket]:
    """A connection to the guest's socket, through a descriptor of its directory: the path may be too long."""
    fd = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)  # first: a full backlog must refuse, where it would block the loop
            connection.connect(f"/proc/self/fd/{fd}/guest.sock")
            yield connection
    finally:
        os.close(fd)
