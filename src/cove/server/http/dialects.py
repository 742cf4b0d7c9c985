"""Requests in other people's dialects, before any route: plain ASGI, for their Host headers are not always well formed.

Each dialect is one line of `DIALECTS`. A refusal is logged once, here; a defect with its traceback, which no caller
sees.
"""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

import structlog
from litestar.enums import ScopeType
from litestar.types import Receive, Scope, Send

from cove.compat.agb import Agb
from cove.compat.agentbay import AgentBay
from cove.compat.link import Link
from cove.compat.operations import Dialect, Service, WireAnswer, WireRequest
from cove.core.errors import CoveError, InternalError, InvalidInput
from cove.server.http.bodies import Bodies
from cove.server.service import is_loopback

MOST_FIELDS = 1000
_LONG_BYTES = 256 * 1024
DIALECTS: tuple[Dialect, ...] = (AgentBay(), Agb(), Link())
log = structlog.get_logger("cove.server")


def dialect_of(scope: Scope) -> Dialect | None:
    """The dialect in which a request speaks; None for the native API's own."""
    if scope["type"] != ScopeType.HTTP:
        return None
    query = scope["query_string"].decode("latin-1")
    claims = (dialect for dialect in DIALECTS if dialect.claims(scope["method"], scope["path"], query))
    return next(claims, None)


def is_near(scope: Scope) -> bool:
    """Whether whoever asks is on this machine: at the Unix socket, or at a loopback address."""
    host = scope["client"][0] if scope["client"] else ""
    return host.startswith("uid:") or is_loopback(host.removeprefix("::ffff:"))


async def serve(dialect: Dialect, service: Service, bodies: Bodies, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    request = _request(scope)
    try:
        query = _fields(scope["query_string"], "the query string")
        body = await bodies.read(scope, receive)
        if body is None:
            return
        form = await _form(body) if dialect.reads_forms else {}
        request = _request(scope, query, body, form)
        answer = await dialect.answer(service, request)
    except CoveError as error:
        answer = _refused(dialect, error, request)
    except Exception as error:  # the edge: whatever nobody expected
        log.error("request failed", dialect=dialect.name, asks=dialect.subject(request), exc_info=error)
        answer = dialect.refuse(InternalError(request_id=request.request_id), request)
    await _send(answer, send)


def _refused(dialect: Dialect, error: CoveError, request: WireRequest) -> WireAnswer:
    answer = dialect.refuse(error, request)
    log.info("refused", dialect=dialect.name, asks=dialect.subject(request), error=error.code, status=answer.status)
    return answer


def _request(
    scope: Any, query: dict[str, str] | None = None, body: bytes = b"", form: dict[str, str] | None = None
) -> WireRequest:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return WireRequest(
        method=str(scope["method"]),
        path=scope["path"],
        query=query or {},
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers},
        body=body,
        form=form or {},
        request_id=scope["state"]["request_id"],
    )


async def _form(body: bytes) -> dict[str, str]:
    """The fields of a body; a long one is read beside the loop, which has others to serve."""
    if len(body) < _LONG_BYTES:
        return _fields(body, "the body")
    return await asyncio.to_thread(_fields, body, "the body")


def _fields(encoded: bytes, where: str) -> dict[str, str]:
    """Names and values, the first of each name; raises InvalidInput for what is no form in UTF-8."""
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeError as error:
        remedy = "send text in UTF-8, percent-encoded as a form"
        raise InvalidInput(name=where, value="…", remedy=remedy) from error
    except ValueError as error:
        raise InvalidInput(name=where, value="…", remedy=f"send at most {MOST_FIELDS} fields") from error
    return dict(reversed(pairs))


async def _send(answer: WireAnswer, send: Send) -> None:
    given = {"content-type": "application/json", "content-length": str(len(answer.body)), **answer.headers}
    headers: Any = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
