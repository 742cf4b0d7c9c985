"""How the server answers the gateway's questions: it asks the LinkDoor, and sends what it gives or why it refuses."""

import asyncio
import socket
from typing import Any

import msgspec
import structlog

from cove.core.errors import CoveError, InternalError, LinkRefused, NotSupported
from cove.core.ids import SessionId
from cove.core.ports import LinkDoor
from cove.gateway.control import Admit, CallTool, Certify, Channel, Dial, Question, Reply, ToServer, Used, in_memory
from cove.gateway.secure import Certifier

_log = structlog.get_logger("cove.gateway")
_LONGEST_FACT = 200
Answer = tuple[Reply, int | None]


class Answering:
    """Answers one gateway process after the other. `certify` gives certificates where links are served over TLS."""

    def __init__(self, door: LinkDoor, certify: Certifier | None = None) -> None:
        self._door = door
        self._certify = certify

    async def serve(self, channel: Channel) -> None:
        """Until the gateway hangs up, or sends what is no question; what is being answered then is given up."""
        async with asyncio.TaskGroup() as group:
            answering: set[asyncio.Task[None]] = set()
            while received := await channel.receive():
                try:
                    message = msgspec.json.decode(received[0], type=ToServer)
                except msgspec.DecodeError as error:
                    _log.error("the gateway sent no question", reason=str(error))
                    break
                if isinstance(message, Used):
                    self._note(message.sessions)
                    continue
                task = group.create_task(self._answer(message, channel))
                answering.add(task)
                task.add_done_callback(answering.discard)
            for task in answering:
                task.cancel()

    def _note(self, sessions: list[SessionId]) -> None:
        for session_id in sessions:
            self._door.used(session_id)

    async def _answer(self, question: Question, channel: Channel) -> None:
        try:
            reply, descriptor = await self._asked(question)
        except CoveError as error:
            reply, descriptor = _refusal(question.number, error), None
        except Exception as error:  # noqa: BLE001 - an edge: one bad answer must not end the others
            _log.error("a question of the gateway failed", question=type(question).__name__, exc_info=error)
            reply, descriptor = _refusal(question.number, InternalError(request_id=f"link-{question.number}")), None
        channel.send(reply, descriptor)

    async def _asked(self, question: Question) -> Answer:
        if isinstance(question, Certify):
            return Reply(question.number, pem=await self._certified(question.address)), None
        if isinstance(question, Admit):
            return Reply(question.number, admission=await self._door.admit(question.token)), None
        if isinstance(question, Dial):
            return Reply(question.number), (await self._dialled(question.token)).detach()
        return Reply(question.number), in_memory(msgspec.json.encode(await self._called(question)))

    async def _certified(self, address: str) -> str:
        if self._certify is None:
            raise NotSupported(what="a certificate", reason="this gateway serves plain HTTP")
        return await self._certify(address)

    async def _dialled(self, token: str) -> socket.socket:
        """Asked anew whom the token lets in: the gateway's word is not enough."""
        admission = await self._door.admit(token)
        if admission.port is None:
            raise LinkRefused(problem="it names no port")
        return await self._door.dial(admission.session_id, admission.port)

    async def _called(self, question: CallTool) -> dict[str, Any]:
        return await self._door.call_tool(
            question.token,
            question.tool,
            question.arguments,
            request_id=question.request_id,
            user_agent=question.user_agent,
        )


def _refusal(number: int, error: CoveError) -> Reply:
    facts = {
        name: value if isinstance(value, int | float) else str(value)[:_LONGEST_FACT]
        for name, value in error.facts.items()
    }
    return Reply(number, code=error.code, message=str(error)[:2000], facts=facts)


def _short(value: Any) -> Any:
    return value if isinstance(value, int | float) else str(value)[:_LONGEST_FACT]
