"""Requests that call tools, and the two faces of what they answer."""

from typing import Any, TypeVar

import msgspec

from cove.core.api import CallTool, ToolAnswer
from cove.core.errors import AnswerMalformed, InvalidInput, ToolFailed
from cove.sdk._wire.messages import Answer, Nothing, Request, body_of, segment
from cove.sdk._wire.sessions import positive, session_path

MARGIN = 10.0
"""Seconds that the client waits beyond the tool's own timeout, so that the tool's answer says what happened."""
USUAL_SECONDS = 50.0
"""Seconds a tool may take that names no timeout; AgentBay's default for a command."""

T = TypeVar("T")


def call(  # noqa: PLR0913 - the facts of one call
    session_id: str,
    tool: str,
    arguments: dict[str, Any],
    *,
    call_id: str,
    text: bool = False,
    read_timeout: float | None = None,
    connect_timeout: float | None = None,
) -> Request[ToolAnswer]:
    """Call a tool. Sent again under the same `call_id`, it does not run again."""
    if not isinstance(arguments, dict):
        raise InvalidInput(name="args", value=arguments, remedy="give a dict from argument name to value")
    message = CallTool(arguments=arguments, text=text, call_id=call_id)
    return Request(
        method="POST",
        path=session_path(session_id, "tools", segment("tool_name", tool)),
        shape=ToolAnswer,
        body=body_of("args", msgspec.structs.asdict(message)),
        read_timeout=positive("read_timeout", read_timeout) or own_timeout(arguments) + MARGIN,
        connect_timeout=positive("connect_timeout", connect_timeout),
    )


def cancel(session_id: str, call_id: str) -> Request[Nothing]:
    """End a call that nobody waits for any more."""
    path = session_path(session_id, "calls", call_id)
    return Request(method="DELETE", path=path, shape=Nothing, read_timeout=2.0, connect_timeout=1.0, repeatable=False)


def own_timeout(arguments: dict[str, Any]) -> float:
    """Seconds that a tool gives itself, as its arguments say."""
    for name, unit in (("timeout_ms", 1000.0), ("timeout_s", 1.0)):
        value = arguments.get(name)
        if isinstance(value, int | float) and value > 0:
            return max(value / unit, 1.0)
    return USUAL_SECONDS


def structured(answer: Answer[ToolAnswer], shape: type[T], endpoint: str) -> Answer[T]:
    """The structured face, typed; raises AnswerMalformed if it has not the tool's shape."""
    failed = refused(answer)
    if failed is not None:
        return failed
    try:
        return answer.carry(msgspec.convert(answer.get().structured, shape))
    except msgspec.ValidationError as error:
        raise AnswerMalformed(endpoint=endpoint, request=shape.__name__, reason=str(error)) from error


def refused(answer: Answer[ToolAnswer]) -> Answer[Any] | None:
    """The refusal in an answer, of the service or of the tool; None if there is none."""
    if answer.error is not None:
        return answer
    failure = answer.get().failure
    if failure is None:
        return None
    return answer.refuse(ToolFailed(message=failure.message, code=failure.code))
