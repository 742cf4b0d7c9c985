"""WebSockets that are refused: the handshake is answered as any other request would be, and a defect is logged."""

from typing import Any

import msgspec
import structlog
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import Message, Scope, Send

from cove.core.errors import CoveError, InternalError, NotFound
from cove.server.http.failures import error_answer, headers_of, status_of
from cove.server.http.refusals import log_refusal

log = structlog.get_logger("cove.server")
_DEFECT = 1011


async def remember(error: Exception, scope: Scope) -> None:
    """The framework tells of an error, which it then makes a bare "closed"."""
    if scope["type"] == ScopeType.WEBSOCKET:
        scope["state"]["failure"] = error


def explaining(scope: Scope, send: Send) -> Send:
    """A `send` that answers, in the place of a bare "closed", with what was refused and why."""
    accepted = False

    async def sender(message: Message) -> None:
        nonlocal accepted
        accepted = accepted or message["type"] == "websocket.accept"
        failure = scope["state"].pop("failure", None)
        if message["type"] != "websocket.close" or failure is None:
            await send(message)
            return
        refusal = _understood(scope, failure)
        if not isinstance(refusal, InternalError):
            log_refusal(scope, refusal, None if accepted else status_of(refusal))
        if accepted:
            await send({"type": "websocket.close", "code": _DEFECT, "reason": refusal.code})
        else:
            await _answer(scope, send, refusal)

    return sender


def _understood(scope: Scope, error: Exception) -> CoveError:
    if isinstance(error, CoveError):
        return error
    if isinstance(error, HTTPException) and error.status_code < 500:
        return NotFound(reason=f"no WebSocket at {scope['path']}")
    log.error("websocket failed", path=scope["path"], exc_info=error)
    return InternalError(request_id=scope["state"]["request_id"])


async def _answer(scope: Scope, send: Send, error: CoveError) -> None:
    status = status_of(error)
    body = msgspec.json.encode(error_answer(error, scope["state"]["request_id"]))
    given = {"Content-Type": "application/json", **headers_of(error, status)}
    headers: Any = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
