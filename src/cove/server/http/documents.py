"""What the OpenAPI document says of every route alike: its errors."""

from litestar.openapi.datastructures import ResponseSpec

from cove.core.api import ErrorAnswer

ERRORS = {
    400: ResponseSpec(ErrorAnswer, description="Something in the request is not valid; the message names it."),
    401: ResponseSpec(ErrorAnswer, description="The API key is missing, unknown, revoked or expired."),
}
NOT_FOUND = ResponseSpec(ErrorAnswer, description="What was named does not exist, or not for this tenant.")
WRONG_STATE = ResponseSpec(ErrorAnswer, description="The session's state does not allow this now.")
SANDBOX = ResponseSpec(ErrorAnswer, description="The sandbox under the session failed.")
OPERATOR = ResponseSpec(ErrorAnswer, description="Only an operator's key may do this.")
FULL = ResponseSpec(ErrorAnswer, description="The machine has no room now; `Retry-After` says when to ask again.")
QUOTA = ResponseSpec(ErrorAnswer, description="The tenant's quota is used up; the message names what clears it.")
