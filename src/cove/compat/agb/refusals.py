"""Errors as AGB's clients understand them."""

from typing import Any

import msgspec

from cove.compat.operations import WireAnswer
from cove.compat.operations.refusals import NO_SESSION, Wording, tell
from cove.core.errors import CoveError, SandboxGone, SessionNotFound

_WORDING = Wording(no_session="Session {session_id} not found", key="AGB_API_KEY")
_NO_SESSION_TO_CALL = ("InvalidSession.NotFound", NO_SESSION[1])
_WORDING_OF_CALLS = msgspec.structs.replace(
    _WORDING, codes={SessionNotFound: _NO_SESSION_TO_CALL, SandboxGone: _NO_SESSION_TO_CALL}
)


def refusal(error: CoveError, request_id: str, *, calls_tool: bool) -> WireAnswer:
    """The envelope of an error. Where a tool was called it is a failed result too: the oldest clients see no more."""
    told = tell(error, _WORDING_OF_CALLS if calls_tool else _WORDING)
    body: dict[str, Any] = {
        "code": told.code,
        "httpStatusCode": told.status,
        "message": told.message,
        "requestId": request_id,
        "success": False,
        "data": {"isError": True, "content": [{"type": "text", "text": told.message}]} if calls_tool else None,
    }
    return WireAnswer(status=told.status, body=msgspec.json.encode(body), headers=told.headers)
