"""Errors as AgentBay's clients understand them. All have an HTTP status of 400 and above: no client misses that."""

import math

import msgspec

from cove.compat.operations import WireAnswer
from cove.core import errors

LONGEST_MESSAGE = 2000

CODES: dict[type[errors.CoveError], tuple[str, int]] = {
    errors.SessionNotFound: ("InvalidMcpSession.NotFound", 400),
    errors.ImageNotFound: ("InvalidImage.NotFound", 400),
    errors.NotFound: ("InvalidAction.NotFound", 404),
    errors.KeyInvalid: ("NOT_LOGIN", 401),
    errors.OperatorOnly: ("Forbidden", 403),
    errors.InvalidInput: ("InvalidParameter", 400),
    errors.WrongState: ("InvalidMcpSession.WrongState", 400),
    errors.NotSupported: ("NotSupported", 400),
    errors.Refused: ("Refused", 400),
    errors.TooManyRequests: ("Throttling", 429),
    errors.QuotaExceeded: ("QuotaExceeded", 429),
    errors.TooManyLinks: ("QuotaExceeded", 429),
    errors.Exhausted: ("ServiceUnavailable", 503),
    errors.SandboxGone: ("InvalidMcpSession.NotFound", 400),
    errors.SandboxFailed: ("SandboxFailed", 502),
    errors.CoveError: ("InternalError", 500),
}
"""The code and the status of each error, or of the nearest class above it. Scripts search for some of the codes."""


def refusal(error: errors.CoveError, request_id: str) -> WireAnswer:
    """The envelope of an error."""
    code, status = next(CODES[cls] for cls in type(error).__mro__ if cls in CODES)
    body = {
        "Code": code,
        "HttpStatusCode": status,
        "Message": _message(error)[:LONGEST_MESSAGE],
        "RequestId": request_id,
        "Success": False,
    }
    return WireAnswer(status=status, body=msgspec.json.encode(body), headers=_headers(error))


def _message(error: errors.CoveError) -> str:
    if isinstance(error, errors.SessionNotFound):
        return "Resource [McpSession] is not found."
    return str(error).replace("COVE_API_KEY", "AGENTBAY_API_KEY")


def _headers(error: errors.CoveError) -> dict[str, str]:
    if isinstance(error, errors.Exhausted) and error.retryable:
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {}
