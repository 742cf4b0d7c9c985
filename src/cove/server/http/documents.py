"""What the OpenAPI document says of every route alike: its errors, and which messages are closed."""

from typing import Any

import msgspec
from litestar import Request
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin

from cove.core import api
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


class Document(JsonRenderPlugin):
    """The document as JSON, which says also of which messages no field may be unknown."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """All of it."""
        for name, schema in openapi_schema["components"]["schemas"].items():
            if name in _CLOSED:
                schema["additionalProperties"] = False
        return super().render(request, openapi_schema)


_CLOSED = frozenset(
    name
    for name, message in vars(api).items()
    if isinstance(message, type)
    and issubclass(message, msgspec.Struct)
    and message.__struct_config__.forbid_unknown_fields
)
