"""The only place that knows which HTTP status a failure deserves. Each is logged once: a defect with its traceback."""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import Method
from litestar.utils.scope.state import ScopeState

from cove.core import errors
from cove.core.api import ErrorAnswer, ErrorBody
from cove.server.http.departures import has_left
from cove.server.http.refusals import log_refusal

STATUSES: dict[type[errors.CoveError], int] = {
    errors.InvalidInput: 400,
    errors.KeyInvalid: 401,
    errors.OperatorOnly: 403,
    errors.NotFound: 404,
    errors.WrongState: 409,
    errors.LinkExpired: 410,
    errors.LinkRevoked: 410,
    errors.LinkRefused: 403,
    errors.Refused: 409,
    errors.NotSupported: 501,
    errors.TooManyLinks: 429,
    errors.QuotaExceeded: 429,
    errors.Exhausted: 503,
    errors.SandboxNotCreated: 502,
    errors.SandboxGone: 410,
    errors.GuestSilent: 504,
    errors.SandboxFailed: 502,
    errors.RequestTooSlow: 408,
    errors.CoveError: 500,
}
log = structlog.get_logger("cove.server")
_LONGEST_FACT = 200
_WHOLE = "data"
"""What Litestar calls a body."""
_METHODS: tuple[Method, ...] = ("DELETE", "GET", "OPTIONS", "POST", "PUT")
AnyRequest = Request[Any, Any, Any]


def status_of(error: errors.CoveError) -> int:
    """The status of the nearest class in the table."""
    return next(STATUSES[cls] for cls in type(error).__mro__ if cls in STATUSES)


def error_answer(error: errors.CoveError, request_id: str) -> ErrorAnswer:
    """The body that tells a client about `error`, with its facts in JSON's types, and none too long to read."""
    facts = {name: _short(value) for name, value in error.facts.items()}
    body = ErrorBody(code=error.code, message=str(error)[:2000], retryable=error.retryable, facts=facts)
    return ErrorAnswer(error=body, request_id=request_id)


def _short(value: Any) -> Any:
    if isinstance(value, bool | int | float | None):
        return value
    text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=repr).decode()
    if len(text) > _LONGEST_FACT:
        return text[:_LONGEST_FACT] + "…"
    return value if isinstance(value, str) else msgspec.json.decode(text)


def answer_cove_error(request: AnyRequest, error: errors.CoveError) -> Response[ErrorAnswer]:
    """Litestar's handler for our own errors."""
    return _respond(request, error, status_of(error))


def answer_defect(request: AnyRequest, error: Exception) -> Response[ErrorAnswer]:
    """Whatever nobody expected: the log gets the traceback, the client the request id under which it stands."""
    if isinstance(error, RecursionError):
        return _respond(request, errors.InvalidInput(name="body", value="…", remedy="nest it less deep"), 400)
    if isinstance(error, UnicodeDecodeError) and not _is_utf8(request):
        return _respond(request, errors.InvalidInput(name="body", value="…", remedy="send JSON in UTF-8"), 400)
    log.error("request failed", method=request.method, path=request.scope["path"], exc_info=error)
    return _answer(request, errors.InternalError(request_id=request.scope["state"]["request_id"]), 500)


def _is_utf8(request: AnyRequest) -> bool:
    """Whether it is no fault of the body's that something could not be decoded."""
    body = ScopeState.from_scope(request.scope).body
    try:
        (body if isinstance(body, bytes) else b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def answer_http_exception(request: AnyRequest, error: HTTPException) -> Response[ErrorAnswer]:
    """Litestar's own refusals, said in our words: unknown routes, wrong methods, bodies that do not fit."""
    if error.status_code >= 500 and has_left(request.scope):  # in the middle of the body: nobody hears the answer
        return _answer(request, errors.InvalidInput(name="body", value="…", remedy="send all of it"), 400)
    if error.status_code >= 500:
        return answer_defect(request, error)
    if isinstance(error, ValidationException):
        return _respond(request, _misfit(request, error), 400)
    kinds = {404: _no_route, 405: _wrong_method, 413: _too_large}
    kind = kinds.get(error.status_code, _not_json)
    answer = _respond(request, kind(request, error), error.status_code)
    if error.status_code == 405:
        answer.headers["Allow"] = ", ".join(_allowed(request))
    return answer


def _allowed(request: AnyRequest) -> Iterator[str]:
    """The methods that the path has."""
    for method in _METHODS:
        with suppress(HTTPException):
            request.app.asgi_router.handle_routing(request.scope["path"], method)
            yield method


def _no_route(request: AnyRequest, _: HTTPException) -> errors.CoveError:
    return errors.NotFound(reason=f"no route {request.method} {request.url.path}; /v1/openapi.json lists them")


def _wrong_method(request: AnyRequest, _: HTTPException) -> errors.CoveError:
    return errors.InvalidInput(name="method", value=request.method, remedy="/v1/openapi.json lists what is possible")


def _too_large(request: AnyRequest, _: HTTPException) -> errors.CoveError:
    length = request.headers.get("content-length", "more")
    return errors.InvalidInput(name="body", value=f"{length} bytes", remedy="send less in one request")


def _not_json(_: AnyRequest, error: HTTPException) -> errors.CoveError:
    return errors.InvalidInput(name="body", value="", remedy=error.detail)


def _misfit(request: AnyRequest, error: ValidationException) -> errors.CoveError:
    first = error.extra[0] if isinstance(error.extra, list) and error.extra else {}
    name, remedy = first.get("key", "body"), first.get("message", error.detail)
    if first.get("source") == "body" and name == _WHOLE:
        return errors.InvalidInput(name="body", value="…", remedy=remedy)
    if first.get("source") == "query":
        return errors.InvalidInput(name=name, value=request.query_params.get(name), remedy=remedy)
    return errors.InvalidInput(name=name, value=_sent(request, name), remedy=remedy)


def _sent(request: AnyRequest, path: str) -> Any:
    """What the body holds at a path such as `labels.team`; None where it cannot be told."""
    body = ScopeState.from_scope(request.scope).body
    try:
        value = msgspec.json.decode(body) if isinstance(body, bytes) else None
        for name in path.split("."):
            value = value[name]  # type: ignore[index]  # whatever does not index ends in the except
    except (msgspec.DecodeError, LookupError, TypeError, RecursionError):
        return None
    return value


def _respond(request: AnyRequest, error: errors.CoveError, status: int) -> Response[ErrorAnswer]:
    log_refusal(request.scope, error, status)
    return _answer(request, error, status)


def _answer(request: AnyRequest, error: errors.CoveError, status: int) -> Response[ErrorAnswer]:
    answer = error_answer(error, request.scope["state"]["request_id"])
    return Response(answer, status_code=status, headers=headers_of(error, status))


def headers_of(error: errors.CoveError, status: int) -> dict[str, str]:
    """What else a client goes by: how to show a key, or when to ask again."""
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.Exhausted) and error.retryable:
        return {"Retry-After": str(math.ceil(error.retry_after))}
    return {}
