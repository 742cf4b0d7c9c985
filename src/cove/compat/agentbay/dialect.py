"""The codec as a whole: which requests are AgentBay's, whose they are, and what they ask for."""

import re
from collections.abc import Mapping
from typing import Any

from cove.compat.agentbay.answers import data_of, envelope
from cove.compat.agentbay.fields import nested
from cove.compat.agentbay.refusals import refusal
from cove.compat.agentbay.requests import read_request
from cove.compat.operations import ACTIONS, Listed, Operation, Service, WireAnswer, WireRequest
from cove.core.errors import CoveError, InvalidInput, KeyInvalid, NotFound

_NAMES_ACTION = re.compile(r"(^|&)Action=")
_NATIVE = "/v1/"


class AgentBay:
    """Implements `cove.compat.operations.Dialect`."""

    name = "agentbay"
    reads_forms = True

    def claims(self, method: str, path: str, query: str) -> bool:
        """A POST that names an action, below any prefix, or that comes to the root."""
        if method != "POST" or path.startswith(_NATIVE):
            return False
        return path in {"", "/"} or _NAMES_ACTION.search(query) is not None

    def subject(self, request: WireRequest) -> str:
        """The action, if it is one."""
        action = request.form.get("Action") or request.query.get("Action", "")
        return action if action in ACTIONS else "an unknown action"

    async def answer(self, service: Service, request: WireRequest) -> WireAnswer:
        """Do what the action says; who asks must be known before anything is read."""
        fields = {**request.query, **request.form}
        caller = await service.caller(_secret(request))
        operation = _operation(fields.get("Action", ""))
        answer = await operation.run(service, caller, read_request(operation, nested(fields), request.request_id))
        return envelope(request.request_id, _data(answer), _counts(answer))

    def refuse(self, error: CoveError, request: WireRequest) -> WireAnswer:
        """The envelope that a client shows, with the code that it may look for."""
        return refusal(error, request.request_id)


def _operation(action: str) -> Operation:
    if not action:
        raise InvalidInput(name="Action", value=action, remedy="say in the query string what to do")
    if action not in ACTIONS:
        raise NotFound(reason=f"no action {action[:80]!r}; this Cove knows {len(ACTIONS)}, as its reference lists them")
    return ACTIONS[action]


def _secret(request: WireRequest) -> str:
    """The key, wherever a client shows it: in the form, the query string or a header."""
    places: tuple[tuple[Mapping[str, str], str], ...] = (
        (request.form, "Authorization"),
        (request.query, "Authorization"),
        (request.headers, "authorization"),
    )
    for place, name in places:
        if shown := place.get(name, "").strip():
            return _bearer(shown)
    if token := request.query.get("BearerToken", "").strip():
        return token
    raise KeyInvalid(problem="missing")


def _bearer(shown: str) -> str:
    scheme, _, secret = shown.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise KeyInvalid(problem="not sent as `Authorization=Bearer KEY`")
    return secret.strip()


def _data(answer: Any) -> Any:
    return data_of(answer.data if isinstance(answer, Listed) else answer)


def _counts(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, Listed):
        return {}
    return {"NextToken": answer.next_token, "MaxResults": answer.max_results, "TotalCount": answer.total_count}
