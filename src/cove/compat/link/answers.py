"""What is answered to a call over a link: a result, also where the service says no: clients show no other text."""

import math
from typing import Any

import msgspec

from cove.compat.operations import WireAnswer
from cove.compat.operations.tools import ToolResult
from cove.core import errors

LONGEST_MESSAGE = 2000
_LONGEST_ID = 80

STATUSES: dict[type[errors.CoveError], int] = {
    errors.InvalidInput: 400,
    errors.LinkRefused: 403,
    errors.TooManyRequests: 429,
    errors.InternalError: 500,
    errors.CoveError: 200,
}
"""The status of each error, or of the nearest class above it: of a status the clients show the number alone."""


def result(request_id: str, given: ToolResult) -> WireAnswer:
    """What a tool gave."""
    content = [{"type": block.type, "text": block.text} for block in given.content]
    return _answer(200, "ok", "", request_id, {"isError": given.is_error, "content": content})


def refusal(error: errors.CoveError, request_id: str) -> WireAnswer:
    """The same of a service's no."""
    status = next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)
    message = said(error)
    said_so = {"isError": True, "content": [{"type": "text", "text": message}]}
    return _answer(status, error.code, message, request_id, said_so, _headers(error))


def said(error: errors.CoveError) -> str:
    """An error's sentence; of a session that is no more in words by which scripts, and the clients, know it."""
    if isinstance(error, errors.SessionNotFound):
        return f"[InvalidMcpSession.NotFound] Session {str(error.facts['session_id'])[:_LONGEST_ID]} not found"
    return str(error)[:LONGEST_MESSAGE]


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


def _headers(error: errors.CoveError) -> dict[str, str]:
    if isinstance(error, errors.Exhausted) and error.retryable:
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {}
