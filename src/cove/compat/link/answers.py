"""What is answered to a call over a link: a result, also where the service says no: clients show no other text."""

from typing import Any

import msgspec

from cove.compat.operations import WireAnswer
from cove.compat.operations.refusals import NO_SESSION, Wording, retry_headers, sentence
from cove.compat.operations.tools import ToolResult
from cove.core import errors

_WORDING = Wording(no_session=f"[{NO_SESSION[0]}] Session {{session_id}} not found")

STATUSES: dict[type[errors.CoveError], int] = {
    errors.InvalidInput: 400,
    errors.LinkRefused: 403,
    errors.TooManyRequests: 429,
    errors.InternalError: 500,
    errors.CoveError: 200,
}
"""The status of each error, or of the nearest class above it: of a status the clients show the number alone."""
AT_THE_DOOR: dict[type[errors.CoveError], int] = {**STATUSES, errors.NotFound: 404, errors.CoveError: 503}
"""The same for a WebSocket that is not opened."""


def result(request_id: str, given: ToolResult) -> WireAnswer:
    """What a tool gave."""
    content = [{"type": block.type, "text": block.text} for block in given.content]
    return _answer(200, "ok", "", request_id, {"isError": given.is_error, "content": content})


def refusal(error: errors.CoveError, request_id: str, statuses: dict[type[errors.CoveError], int]) -> WireAnswer:
    """The same of a service's no."""
    status = next(statuses[cls] for cls in type(error).__mro__ if cls in statuses)
    message = said(error)
    said_so = {"isError": True, "content": [{"type": "text", "text": message}]}
    return _answer(status, error.code, message, request_id, said_so, retry_headers(error))


def said(error: errors.CoveError) -> str:
    """An error's sentence; of a session that is no more in words by which scripts, and the clients, know it."""
    return sentence(error, _WORDING)


def _answer(
    status: int, code: str, message: str, request_id: str, given: dict[str, Any], headers: dict[str, str] | None = None
) -> WireAnswer:
    body = {
        "code": code,
        "message": message,
        "requestId": request_id,
        "success": code == "ok",
        "data": {"result": given},
    }
    return WireAnswer(status=status, body=msgspec.json.encode(body), headers=headers or {})
