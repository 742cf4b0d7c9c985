"""Errors as AgentBay's clients understand them."""

import msgspec

from cove.compat.operations import WireAnswer
from cove.compat.operations.refusals import Wording, tell
from cove.core.errors import CoveError, KeyInvalid

_WORDING = Wording(
    no_session="Resource [McpSession] is not found.", key="AGENTBAY_API_KEY", codes={KeyInvalid: ("NOT_LOGIN", 401)}
)


def refusal(error: CoveError, request_id: str) -> WireAnswer:
    """The envelope of an error."""
    told = tell(error, _WORDING)
    body = {
        "Code": told.code,
        "HttpStatusCode": told.status,
        "Message": told.message,
        "RequestId": request_id,
        "Success": False,
    }
    return WireAnswer(status=told.status, body=msgspec.json.encode(body), headers=told.headers)
