"""Tool calls of one session: each under an id of its own, which the server never runs twice."""

import os
from typing import TYPE_CHECKING, Any, TypeVar

from cove.core.api import ToolAnswer
from cove.core.errors import CoveError
from cove.core.ids import text_id
from cove.sdk._async.transport import AsyncTransport
from cove.sdk._twins import async_unhurried
from cove.sdk._wire import tools
from cove.sdk._wire.messages import Answer, Request

if TYPE_CHECKING:
    from cove.sdk._async.handle import AsyncSessionHandle

T = TypeVar("T")
CANCEL_SECONDS = 3.0


class AsyncToolCalls:
    """Calls tools of one session."""

    def __init__(self, session: "AsyncSessionHandle", transport: AsyncTransport) -> None:
        self._session = session
        self._transport = transport

    async def typed(self, tool: str, arguments: dict[str, Any], shape: type[T]) -> Answer[T]:
        """Call a tool and read its structured result; None among the arguments means left out."""
        given = {name: value for name, value in arguments.items() if value is not None}
        call_id = new_call_id()
        request = tools.call(self._session.session_id, tool, given, call_id=call_id)
        return tools.structured(await self._run(request, call_id), shape, self._transport.endpoint)

    async def text(
        self, tool: str, arguments: dict[str, Any], read_timeout: float | None, connect_timeout: float | None
    ) -> Answer[ToolAnswer]:
        """Call a tool and ask for the text that the official clients parse. Timeouts are seconds."""
        call_id = new_call_id()
        request = tools.call(
            self._session.session_id,
            tool,
            arguments,
            call_id=call_id,
            text=True,
            read_timeout=read_timeout,
            connect_timeout=connect_timeout,
        )
        return await self._run(request, call_id)

    async def _run(self, request: Request[ToolAnswer], call_id: str) -> Answer[ToolAnswer]:
        try:
            return await self._transport.ask(request)
        except Exception:
            raise
        except BaseException:  # Ctrl-C, or a task cancelled: nobody waits for the call any more
            await self._cancel(call_id)
            raise

    async def _cancel(self, call_id: str) -> None:
        try:
            with async_unhurried(CANCEL_SECONDS):
                await self._transport.ask(tools.cancel(self._session.session_id, call_id))
        except CoveError:
            return  # it was the caller's wish to leave; the tool's own timeout ends the call


def new_call_id() -> str:
    """An id that no other call has; by `os`, since `secrets` loads all hashes for the same, 5 ms."""
    return text_id("c", os.urandom(10))
