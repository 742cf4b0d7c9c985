"""What a wire tells of an error: code, HTTP status, sentence, and when to ask again. A codec adds what is its own.

Every status is 400 or above: some clients look at nothing else, and none misses that.
"""

import math
from collections.abc import Mapping

import msgspec

from cove.core import errors

_LONGEST_SENTENCE = 2000
_LONGEST_ID = 80
_OUR_KEY = "COVE_API_KEY"
Codes = Mapping[type[errors.CoveError], tuple[str, int]]

NO_SESSION = ("InvalidMcpSession.NotFound", 400)
CODES: Codes = {
    errors.SessionNotFound: NO_SESSION,
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
    errors.SandboxGone: NO_SESSION,
    errors.SandboxFailed: ("SandboxFailed", 502),
    errors.CoveError: ("InternalError", 500),
}
"""The code and the status of each error, or of the nearest class above it. Scripts search for some of the codes."""


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What one wire says in its own way.

    `no_session` is said of sessions that are not there, with their `{session_id}`; `key` is the variable that holds a
    user's API key; `codes` are those that differ from `CODES`.
    """

    no_session: str
    key: str = _OUR_KEY
    codes: Codes = {}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An error as a wire tells it."""

    code: str
    status: int
    message: str
    headers: dict[str, str]


def tell(error: errors.CoveError, wording: Wording) -> Refusal:
    """Tell of an error in a wire's words."""
    codes = {**CODES, **wording.codes}
    code, status = next(codes[cls] for cls in type(error).__mro__ if cls in codes)
    return Refusal(code=code, status=status, message=sentence(error, wording), headers=retry_headers(error))


def sentence(error: errors.CoveError, wording: Wording) -> str:
    """What people read of an error."""
    if isinstance(error, errors.SessionNotFound):
        return wording.no_session.format(session_id=str(error.facts["session_id"])[:_LONGEST_ID])
    return str(error).replace(_OUR_KEY, wording.key)[:_LONGEST_SENTENCE]


def retry_headers(error: errors.CoveError) -> dict[str, str]:
    """`Retry-After`, in whole seconds, where asking again will help."""
    if isinstance(error, errors.Exhausted) and error.retryable:
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {}
