"""Terminals over HTTP: a WebSocket for each look at one, a list, and an end.

The query opens a terminal (`envs=NAME=VALUE` may be repeated), or names one that lives: `terminal_id=ID`. Binary
messages are its bytes. Text messages are JSON with a `type`: `opened` is the first; `exited`, `detached` or `failed`
is the last, and the socket is closed. What is refused is an HTTP answer with an `ErrorAnswer`, as everywhere.
"""

import asyncio
from typing import Any

import msgspec
from litestar import WebSocket, delete, get, websocket
from litestar.di import NamedDependency
from litestar.exceptions import WebSocketDisconnect
from litestar.params import FromPath
from litestar.types import WebSocketReceiveEvent

from cove.core.api import TerminalList
from cove.core.errors import CoveError, InvalidInput, SandboxFailed
from cove.core.ids import SessionId
from cove.core.terminal import Detached, Exited, Failed, Heard, Opened, OpenTerminal, Paused, Said
from cove.server.http.auth import check_still_let_in
from cove.server.http.documents import ERRORS, NOT_FOUND, SANDBOX, WRONG_STATE
from cove.server.http.failures import error_answer
from cove.server.http.refusals import log_refusal
from cove.server.parts import Caller
from cove.server.terminals import Terminals, Window

_RESPONSES = {**ERRORS, 404: NOT_FOUND, 409: WRONG_STATE, 502: SANDBOX}
_NORMAL, _BROKEN = 1000, 1011
_LAST_WORD_SECONDS = 5.0
"""For a terminal to tell how it ended where something was typed too late; then what went wrong is told instead."""
_SAID: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_GONE = (OSError, WebSocketDisconnect)
"""What sending raises once the client has gone: before it was read that it has, and after."""
Socket = WebSocket[Any, Any, Any]


@websocket("/sessions/{session_id:str}/terminal")
async def show_terminal(
    socket: Socket,
    session_id: FromPath[str],
    terminals: NamedDependency[Terminals],
    caller: NamedDependency[Caller],
) -> None:
    """Open a terminal, or look at one that lives."""
    query = socket.query_params.dict()
    if ids := query.pop("terminal_id", None):
        window = await terminals.attach(caller, SessionId(session_id), ids[-1])
    else:
        window = await terminals.open(caller, SessionId(session_id), _wish(query))
    try:
        await socket.accept()
        await _tell(socket, Opened(window.terminal_id))
        await _close(socket, await _converse(socket, window))
    except _GONE:
        return
    finally:
        window.close()


@get("/sessions/{session_id:str}/terminals", responses=_RESPONSES)
async def list_terminals(
    session_id: FromPath[str], terminals: NamedDependency[Terminals], caller: NamedDependency[Caller]
) -> TerminalList:
    """The session's terminals that live, oldest first; asking wakes nobody and is no use."""
    return TerminalList(terminals=await terminals.list(caller, SessionId(session_id)))


@delete("/sessions/{session_id:str}/terminals/{terminal_id:str}", status_code=204, responses=_RESPONSES)
async def kill_terminal(
    session_id: FromPath[str],
    terminal_id: FromPath[str],
    terminals: NamedDependency[Terminals],
    caller: NamedDependency[Caller],
) -> None:
    """Kill what runs on a terminal; whoever looks at it is told."""
    await terminals.kill(caller, SessionId(session_id), terminal_id)


def _wish(query: dict[str, list[Any]]) -> OpenTerminal:
    values: dict[str, Any] = {name: texts[-1] for name, texts in query.items() if name != "envs"}
    pairs = [str(text).partition("=") for text in query.get("envs", ())]
    try:
        wish = {**values, "envs": {name: value for name, _, value in pairs}}
        return msgspec.convert(wish, OpenTerminal, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(name="query", value=values, remedy=str(error)) from error


async def _converse(socket: Socket, window: Window) -> Heard | None:
    """Move bytes both ways until one side ends; what is to be said last, or None if nobody is left to hear it."""
    shown = asyncio.ensure_future(_show(socket, window))
    heard = asyncio.ensure_future(_listen(socket, window))
    sides = {shown, heard}
    try:
        await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        if not shown.done() and isinstance(heard.exception(), SandboxFailed):
            await asyncio.wait((shown,), timeout=_LAST_WORD_SECONDS)
        return (shown if shown.done() else heard).result()
    except CoveError as error:
        log_refusal(socket.scope, error)
        body = error_answer(error, "").error
        return Failed(code=body.code, message=body.message, retryable=body.retryable)
    finally:
        for side in sides:
            side.cancel()
        await asyncio.gather(*sides, return_exceptions=True)


async def _show(socket: Socket, window: Window) -> Exited | Detached:
    while isinstance(heard := await window.receive(), bytes):
        await check_still_let_in(socket)
        await socket.send_data(heard, mode="binary")
    return heard


async def _listen(socket: Socket, window: Window) -> None:
    was_heard = True
    while (message := await socket.receive())["type"] == "websocket.receive":
        await check_still_let_in(socket)
        await asyncio.sleep(0)  # many messages may be there without waiting: let others have their turn
        said = _said(message)
        if not isinstance(said, bytes):
            await window.say(said)
            continue
        is_heard = await window.send(said)
        if was_heard and not is_heard:
            await _tell(socket, Paused())
        was_heard = is_heard


def _said(message: WebSocketReceiveEvent) -> bytes | Said:
    data = message.get("bytes")
    if isinstance(data, bytes):
        return data
    text = str(message.get("text") or "")
    try:
        return _SAID.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidInput(name="message", value=text[:80], remedy=str(error)) from error


async def _tell(socket: Socket, message: Heard) -> None:
    await socket.send_data(msgspec.json.encode(message).decode(), mode="text")


async def _close(socket: Socket, last: Heard | None) -> None:
    if last is not None:
        await _tell(socket, last)
        await socket.close(_BROKEN if isinstance(last, Failed) else _NORMAL)
