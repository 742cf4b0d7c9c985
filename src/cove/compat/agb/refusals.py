"""Errors as AGB's clients understand them. All have an HTTP status of 400 and above: some look at nothing else."""

import math
from typing import Any

import msgspec

from cove.compat.operations import WireAnswer
from cove.core import errors

LONGEST_MESSAGE = 2000
_LONGEST_ID = 80
_NOT_FOUND = ("InvalidMcpSession.NotFound", 400)
_NOT_FOUND_BY_CALLS = ("InvalidSession.NotFound", 400)

CODES: dict[type[errors.CoveError], tuple[str, int]] = {
    errors.SessionNotFound: _NOT_FOUND,
    errors.ImageNotFound: ("InvalidImage.NotFound", 400),
    errors.NotFound: ("InvalidAction.NotFound", 404),
    errors.KeyInvalid: ("InvalidApiKey", 401),
    errors.OperatorOnly: ("Forbidden", 403),
    errors.InvalidInput: ("InvalidParameter", 400),
    errors.WrongState: ("InvalidMcpSession.WrongState", 400),
    errors.NotSupported: ("NotSupported", 400),
    errors.Refused: ("Refused", 400),
    errors.TooManyRequests: ("Throttling", 429),
    errors.QuotaExceeded: ("QuotaExceeded", 429),
    errors.TooManyLinks: ("QuotaExceeded", 429),
    errors.Exhausted: ("ServiceUnavailable", 503),
    errors.SandboxGone: _NOT_FOUND,
    errors.SandboxFailed: ("SandboxFailed", 502),
    errors.CoveError: ("InternalError", 500),
}
"""The code and the status of each error, or of the nearest class above it."""


def refusal(error: errors.CoveError, request_id: str, *, calls_tool: bool) -> WireAnswer:
    """The envelope of an error. Where a tool was called it is a failed result too: the oldest clients see no more."""
    code, status = next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)
    if calls_tool and (code, status) == _NOT_FOUND:
        code, status = _NOT_FOUND_BY_CALLS
    message = _message(error)[:LONGEST_MESSAGE]
    body: dict[str, Any] = {
        "code": code,
        "httpStatusCode": status,
        "message": message,
        "requestId": request_id,
        "success": False,
        "data": {"isError": True, "content": [{"type": "text", "text": message}]} if calls_tool else None,
    }
    return WireAnswer(status=status, body=msgspec.json.encode(body), headers=_headers(error))


def _message(error: errors.CoveError) -> str:
    if isinstance(error, errors.SessionNotFound):
        return f"Session {str(error.facts['session_id'])[:_LONGEST_ID]} not found"
    return str(error).replace("COVE_API_KEY", "AGB_API_KEY")


def _headers(error: errors.CoveError) -> dict[str, str]:
    if isinstance(error, errors.Exhausted) and error.retryable:
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {}
