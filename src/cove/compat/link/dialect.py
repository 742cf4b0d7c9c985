"""The codec of `POST LinkUrl/callTool`: which requests are its own, and what they ask for.

A LinkUrl is `PUBLIC_URL/link/SESSION`. The clients show the session's token in a header, and again in the body.
"""

import re
from typing import Any

import msgspec

from cove.compat.link.answers import STATUSES, refusal, result
from cove.compat.operations import Service, WireAnswer, WireRequest
from cove.compat.operations.tools import CallTool, ToolResult, call_tool
from cove.compat.operations.values import read_json, read_value
from cove.core.errors import CoveError, InvalidInput, LinkRefused
from cove.core.ids import SessionId

_PLACE = re.compile("/link/([^/]*)/callTool$")
_SOCKET = re.compile("/link/([^/]*)/ws$")
TOKEN_HEADER = "x-access-token"  # noqa: S105 - where it is shown


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    tool: str = ""
    args: dict[str, Any] = {}
    token: str = ""


_CALLS = msgspec.json.Decoder(_Call)
_KINDS = {field.name: field.type for field in msgspec.structs.fields(_Call)}


class Link:
    """Implements `cove.compat.operations.Dialect`."""

    name = "link"
    reads_forms = False

    def claims(self, method: str, path: str, query: str) -> bool:
        """Whatever comes to a session's `callTool`, below any prefix."""
        return _PLACE.search(path) is not None

    def subject(self, request: WireRequest) -> str:
        """There is one thing to ask for."""
        return "callTool"

    async def answer(self, service: Service, request: WireRequest) -> WireAnswer:
        """Call the tool, for whoever holds the session's token."""
        if request.method != "POST":
            raise InvalidInput(name="method", value=request.method, remedy="send a POST")
        session_id = _session(request.path)
        fields = _fields(request.body)
        caller = await service.holder(session_id, _token(request.headers.get(TOKEN_HEADER, ""), fields.token))
        call = CallTool(session_id=session_id, name=fields.tool, args=fields.args, trace_id=request.request_id)
        given: ToolResult = await call_tool.run(service, caller, call)
        return result(request.request_id, given)

    def refuse(self, error: CoveError, request: WireRequest) -> WireAnswer:
        """A result that says so, or a status where nothing may be said."""
        return refusal(error, request.request_id, STATUSES)


def _token(in_header: str, in_body: str) -> str:
    """The token, wherever it is shown; two that differ are none."""
    if in_header and in_body and in_header != in_body:
        raise LinkRefused(problem="two tokens came with it")
    return in_header or in_body


def session_of_socket(path: str) -> SessionId | None:
    """The session whose WebSocket this path is, below any prefix."""
    found = _SOCKET.search(path)
    return SessionId(found[1]) if found else None


def _session(path: str) -> SessionId:
    found = _PLACE.search(path)
    return SessionId(found[1] if found else "")


def _fields(body: bytes) -> _Call:
    """What a call says; the tool's server, and the client's own request id, change nothing."""
    try:
        return _CALLS.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):  # its arguments may be JSON in text
        fields = read_json("body", body, dict[str, Any])
    known = {name: kind for name, kind in _KINDS.items() if name in fields}
    return _Call(**{name: read_value(name, fields[name], kind) for name, kind in known.items()})
