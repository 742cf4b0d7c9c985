"""Tool calls of one session: each under an id of its own, which the server never runs twice."""

# Generated from _async/calls.py by dev/generate.py: change that, then run `python dev/generate.py`.

import os
from typing import TYPE_CHECKING, Any, TypeVar

from cove.core.api import ToolAnswer
from cove.core.errors import CoveError
from cove.core.ids import text_id
from cove.sdk._sync.transport import Transport
from cove.sdk._twins import unhurried
from cove.sdk._wire import tools
from cove.sdk._wire.messages import Answer, Request

if TYPE_CHECKING:
    from cove.sdk._sync.handle import SessionHandle

T = TypeVar("T")
CANCEL_SECONDS = 3.0


class ToolCalls:
    """Calls tools of one session."""

    def __init__(self, session: "SessionHandle", transport: Transport) -> None:
        self._session = session
        self._transport = transport

    def typed(self, tool: str, arguments: dict[str, Any], shape: type[T]) -> Answer[T]:
        """Call a tool and read its structured result; None among the arguments means left out."""
        given = {name: value for name, value in arguments.items() if value is not None}
        call_id = new_call_id()
        request = tools.call(self._session.session_id, tool, given, call_id=call_id)
        return tools.structured(self._run(request, call_id), shape, self._transport.endpoint)

    def text(
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
        return self._run(request, call_id)

    def _run(self, request: Request[ToolAnswer], call_id: str) -> Answer[ToolAnswer]:
        try:
            return self._transport.ask(request)
        except Exception:
            raise
        except BaseException:  # Ctrl-C, or a task cancelled: nobody waits for the call any more
            self._cancel(call_id)
            raise

    def _cancel(self, call_id: str) -> None:
        try:
            with unhurried(CANCEL_SECONDS):
                self._transport.ask(tools.cancel(self._session.session_id, call_id))
        except CoveError:
            return  # it was the caller's wish to leave; the tool's own timeout ends the call


def new_call_id() -> str:
    """An id that no other call has; by `os`, since `secrets` loads all hashes for the same, 5 ms."""
    return text_id("c", os.urandom(10))
