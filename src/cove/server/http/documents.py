"""What the OpenAPI document says of every route alike: its errors."""

from litestar.openapi.datastructures import ResponseSpec

from cove.core.api import ErrorAnswer

ERRORS = {
    400: ResponseSpec(ErrorAnswer, description="Something in the request is not valid; the message names it."),
    401: ResponseSpec(ErrorAnswer, description="The API key is missing, unknown or revoked."),
}
NOT_FOUND = ResponseSpec(ErrorAnswer, description="What was named does not exist, or not for this tenant.")
WRONG_STATE = ResponseSpec(ErrorAnswer, description="The session's state does not allow this now.")
SANDBOX = ResponseSpec(ErrorAnswer, description="The sandbox under the session failed.")
OPERATOR = ResponseSpec(ErrorAnswer, description="Only an operator's key may do this.")
EXHAUSTED = ResponseSpec(ErrorAnswer, description="No place is left for another session.")
RESERVED = ResponseSpec(ErrorAnswer, description="The disk is full but for what the database needs.")
