"""Requests about terminals, and what passes on the WebSocket of one."""

from urllib.parse import urlencode

import msgspec

from cove.core.api import TerminalList
from cove.core.errors import AnswerMalformed
from cove.core.terminal import Heard, OpenTerminal, Said
from cove.sdk._wire.messages import Nothing, Request, segment
from cove.sdk._wire.sessions import session_path

_HEARD: msgspec.json.Decoder[Heard] = msgspec.json.Decoder(Heard)


def opening(session_id: str, wish: OpenTerminal) -> str:
    """Where a WebSocket opens a terminal: a path with its query."""
    values = msgspec.to_builtins(wish)
    pairs = [("envs", f"{name}={value}") for name, value in values.pop("envs").items()]
    pairs += [(name, str(value)) for name, value in values.items() if value is not None]
    return f"{session_path(session_id, 'terminal')}?{urlencode(pairs)}"


def attaching(session_id: str, terminal_id: str) -> str:
    """Where a WebSocket finds a terminal again."""
    return f"{session_path(session_id, 'terminal')}?{urlencode({'terminal_id': terminal_id})}"


def terminals(session_id: str) -> Request[TerminalList]:
    """The terminals that live."""
    return Request(method="GET", path=session_path(session_id, "terminals"), shape=TerminalList)


def kill(session_id: str, terminal_id: str) -> Request[Nothing]:
    """End what runs on a terminal."""
    path = session_path(session_id, "terminals", segment("terminal_id", terminal_id))
    return Request(method="DELETE", path=path, shape=Nothing, repeatable=False)


def said(message: Said) -> str:
    """A message to the terminal, as text."""
    return msgspec.json.encode(message).decode()


def heard(text: str, endpoint: str) -> Heard:
    """A message from the terminal; raises AnswerMalformed."""
    try:
        return _HEARD.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise AnswerMalformed(endpoint=endpoint, request="GET …/terminal", reason=str(error)) from error
