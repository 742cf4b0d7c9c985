"""JSON-RPC 2.0 as MCP uses it, sans-IO: a message in, a message out."""

from collections.abc import Callable
from typing import Any

import msgspec

from cove.core.errors import CoveError, InvalidInput, InvalidToolArguments, ToolNotFound
from cove.core.results import Watching
from cove.core.terminal import Opened, OpenTerminal
from cove.guest.answers import Answer, answer_of
from cove.guest.service import Guest

_INVALID_REQUEST, _NO_METHOD, _INVALID_PARAMS = -32600, -32601, -32602


class CallParams(msgspec.Struct, kw_only=True, rename="camel"):
    """Params of `tools/call`."""

    name: str
    arguments: dict[str, Any] = {}
    call_id: str | None = None


class TerminalParams(msgspec.Struct, kw_only=True, rename="camel"):
    """Params of `terminals/attach` and `terminals/kill`."""

    terminal_id: str


class WatchParams(msgspec.Struct, kw_only=True, rename="camel"):
    """Params of `files/watch`."""

    path: str


class CancelParams(msgspec.Struct, kw_only=True, rename="camel"):
    """Params of `notifications/cancelled`: `requestId` is the call's id."""

    request_id: str


def respond(guest: Guest, message: dict[str, Any]) -> dict[str, Any]:
    """The response to one request. It blocks as long as the tool runs, and raises nothing on purpose."""
    id = message.get("id")  # noqa: A001 - JSON-RPC's name
    method = _METHODS.get(message["method"]) if isinstance(message.get("method"), str) else None
    if message.get("jsonrpc") != "2.0" or not isinstance(id, str | int | None):
        return refusal(_INVALID_REQUEST, "this is no JSON-RPC 2.0 request")
    if method is None:
        return refusal(_NO_METHOD, f"no method; there are {', '.join(_METHODS)}", id=id)
    try:
        return {"jsonrpc": "2.0", "id": id, "result": method(guest, message.get("params") or {})}
    except (InvalidToolArguments, ToolNotFound, InvalidInput) as error:
        return refusal(_INVALID_PARAMS, str(error), id=id, error=error)
    except msgspec.ValidationError as error:
        return refusal(_INVALID_PARAMS, str(error), id=id)


def refusal(number: int, text: str, *, id: Any = None, error: CoveError | None = None) -> dict[str, Any]:  # noqa: A002
    """An error response; `data` lets the node rebuild the error."""
    body: dict[str, Any] = {"code": number, "message": text}
    if error is not None:
        body["data"] = {"code": error.code, "facts": error.facts}
    return {"jsonrpc": "2.0", "id": id, "error": body}


def _ping(_guest: Guest, _params: Any) -> dict[str, Any]:
    return {}


def _list(guest: Guest, _params: Any) -> dict[str, Any]:
    return {"tools": guest.tools()}


def _call(guest: Guest, params: Any) -> dict[str, Any]:
    call = msgspec.convert(params, CallParams)
    return _answered(guest.answer(call.name, call.arguments, call.call_id))


def _answered(answer: Answer) -> dict[str, Any]:
    return {"isError": answer.is_failure, "structuredContent": msgspec.Raw(answer.body)}


def _cancel(guest: Guest, params: Any) -> dict[str, Any]:
    return {"cancelled": guest.cancel(msgspec.convert(params, CancelParams).request_id)}


def _open_terminal(guest: Guest, params: Any) -> dict[str, Any]:
    wish = msgspec.convert(params, OpenTerminal)
    return _answered(answer_of(lambda: guest.terminals.open(wish)))


def _attach_terminal(guest: Guest, params: Any) -> dict[str, Any]:
    terminal_id = msgspec.convert(params, TerminalParams).terminal_id
    return _answered(answer_of(lambda: guest.terminals.check(terminal_id)))


def _list_terminals(guest: Guest, _params: Any) -> dict[str, Any]:
    return _answered(answer_of(guest.terminals.list))


def _kill_terminal(guest: Guest, params: Any) -> dict[str, Any]:
    terminal_id = msgspec.convert(params, TerminalParams).terminal_id
    return _answered(answer_of(lambda: guest.terminals.kill(terminal_id)))


def _watch_files(guest: Guest, params: Any) -> dict[str, Any]:
    path = msgspec.convert(params, WatchParams).path
    return _answered(answer_of(lambda: guest.watches.open(path)))


def terminal_of(message: dict[str, Any], response: dict[str, Any]) -> str | None:
    """The terminal that is to be shown on the connection of this request from now on, if it asked for one."""
    content = _content(response) if message.get("method") in ("terminals/open", "terminals/attach") else None
    return None if content is None else msgspec.json.decode(content, type=Opened).terminal_id


def watch_of(message: dict[str, Any], response: dict[str, Any]) -> str | None:
    """The watch that is to be told of on the connection of this request from now on, if it asked for one."""
    content = _content(response) if message.get("method") == "files/watch" else None
    return None if content is None else msgspec.json.decode(content, type=Watching).watch_id


def _content(response: dict[str, Any]) -> msgspec.Raw | None:
    result = response.get("result")
    return None if result is None or result["isError"] else result["structuredContent"]


_METHODS: dict[str, Callable[[Guest, Any], dict[str, Any]]] = {
    "ping": _ping,
    "tools/list": _list,
    "tools/call": _call,
    "notifications/cancelled": _cancel,
    "terminals/open": _open_terminal,
    "terminals/attach": _attach_terminal,
    "terminals/list": _list_terminals,
    "terminals/kill": _kill_terminal,
    "files/watch": _watch_files,
}
