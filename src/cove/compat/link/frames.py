"""Messages on a session's WebSocket, sans-IO: what a client asks, and how it is answered, refused and told."""

from typing import Any

import msgspec

from cove.compat.link.answers import said
from cove.compat.operations.streams import DONE, STREAMS, Said, Stream
from cove.compat.operations.values import LONGEST_SHOWN, read_value
from cove.core.errors import CoveError, InvalidInput, NotFound

_CONTROL = "WEBSOCKET_SERVER"
"""Whom clients believe to be the WebSocket itself: of its errors they show the sentence alone."""
_CLIENT = "SDK"
_LONGEST_NAME = 256
_HEARTBEAT = "ping"
_BROWSER = "wuying_cdp_mcp_server"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a message asks for; answers carry its `invocation_id`, and come from its `target`."""

    invocation_id: str
    target: str
    method: str
    params: dict[str, Any]


class _Frame(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    invocation_id: str = ""
    target: str = ""
    data: Any = None
    type: str = ""


def read_frame(text: str | bytes) -> Asked | None:
    """What a message asks; None for a heartbeat. Raises InvalidInput for what nobody can answer."""
    frame = _frame(text)
    if frame.type == _HEARTBEAT and not frame.invocation_id:
        return None
    for name in ("invocation_id", "target"):
        if not 0 < len(getattr(frame, name)) <= _LONGEST_NAME:
            shown = "invocationId" if name == "invocation_id" else name
            raise InvalidInput(name=shown, value=getattr(frame, name)[:LONGEST_SHOWN], remedy="give a name")
    return Asked(invocation_id=frame.invocation_id, target=frame.target, **_wish(frame))


def _frame(text: str | bytes) -> _Frame:
    try:
        return msgspec.json.decode(text, type=_Frame)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        remedy = "send a JSON object with invocationId, target and data"
        raise InvalidInput(name="message", value=repr(text[:LONGEST_SHOWN]), remedy=remedy) from error


def _wish(frame: _Frame) -> dict[str, Any]:
    """Method and params; messages that can be answered are refused by `stream_of`, and not here."""
    try:
        data: dict[str, Any] = read_value("data", frame.data, dict[str, Any])
        params = data.get("params") or {}
    except InvalidInput:
        data, params = {}, {}
    method = data.get("method") or ("notify" if frame.target == _BROWSER else "")
    return {"method": str(method)[:_LONGEST_NAME], "params": params if isinstance(params, dict) else {}}


def stream_of(asked: Asked) -> tuple[Stream, msgspec.Struct]:
    """The stream and its request; raises NotFound, InvalidInput."""
    stream = STREAMS.get(asked.method)
    if stream is None:
        known = ", ".join(STREAMS)
        raise NotFound(reason=f"no method {asked.method[:LONGEST_SHOWN]!r} on this WebSocket; it has {known}")
    try:
        return stream, msgspec.convert(asked.params, stream.request)
    except msgspec.ValidationError as error:
        raise InvalidInput(name="params", value=str(asked.params)[:LONGEST_SHOWN], remedy=str(error)) from error


def answer(asked: Asked, what: Said, number: int) -> str:
    """A message to whoever asked; a push has an id of its own, made of `number`, that nobody waits for."""
    invocation_id = f"push-{number}" if what.is_push else asked.invocation_id
    return _written(invocation_id, asked.target, what.data)


def acknowledge(asked: Asked) -> str:
    """A message that ends what was asked; where nobody waits for it, it reaches nobody's callbacks."""
    return _written(asked.invocation_id, _CONTROL, DONE.data)


def refuse(error: CoveError, invocation_id: str) -> str:
    """A message that ends what was asked with an error's sentence."""
    sentence = said(error)
    data = {"phase": "error", "code": str(error.facts.get("failure", error.code)), "error": sentence}
    return _written(invocation_id, _CONTROL, data, error=sentence)


def invocation_of(text: str | bytes) -> str:
    """The id of a message that could not be read, as far as one can be found."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any]).get("invocationId")
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        found = None
    return found[:_LONGEST_NAME] if isinstance(found, str) and found else "unknown"


def _written(invocation_id: str, source: str, data: dict[str, Any], **more: str) -> str:
    body = {"invocationId": invocation_id, "source": source, "target": _CLIENT, "data": data, **more}
    return msgspec.json.encode(body).decode()
