"""What a request is, what came back, and what that means: an answer, a refusal, or nothing that Cove would say."""

import json
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from cove.core.api import ErrorAnswer
from cove.core.errors import AnswerMalformed, CoveError, InvalidInput, error_from_wire

T = TypeVar("T")


class Nothing(msgspec.Struct, frozen=True):
    """The shape of an answer whose body does not matter."""


class Request(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One HTTP request. Timeouts are seconds, None for the client's own; `repeatable` if it may be sent twice."""

    method: str
    path: str
    shape: type[T]
    query: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    headers: dict[str, str] = {}
    read_timeout: float | None = None
    connect_timeout: float | None = None
    repeatable: bool = True

    @property
    def name(self) -> str:
        """How messages call this request."""
        return f"{self.method} {self.path}"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came over the line, not yet understood."""

    status: int
    request_id: str
    body: bytes


class Answer(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What the service said: a value, or the error with which it refused. `repeated` if it was asked more than once."""

    value: T | None = None
    error: CoveError | None = None
    request_id: str = ""
    status: int = 0
    repeated: bool = False

    def get(self) -> T:
        """The value; raises the error with which the service refused."""
        if self.error is not None:
            raise self.error
        assert self.value is not None  # noqa: S101 - `read` sets one of the two
        return self.value

    def facts(self) -> dict[str, Any]:
        """What every result carries, as its keyword arguments."""
        return {
            "request_id": self.request_id,
            "success": self.error is None,
            "error_message": "" if self.error is None else str(self.error),
            "code": code_of(self.error),
            "http_status_code": self.status,
            "cause": self.error,
        }

    def refuse(self, error: CoveError) -> "Answer[Any]":
        """The same answer, understood as a refusal."""
        return Answer(error=error, request_id=self.request_id, status=self.status, repeated=self.repeated)

    def carry(self, value: Any) -> "Answer[Any]":
        """The same answer with another value."""
        return Answer(value=value, request_id=self.request_id, status=self.status, repeated=self.repeated)


def code_of(error: CoveError | None) -> str:
    """The wire name of a refusal: the tool's own code where a tool failed; empty for none."""
    return "" if error is None else str(error.facts.get("code", error.code))


def read(request: Request[T], reply: Reply, endpoint: str, repeated: bool = False) -> Answer[T]:
    """Understand a reply; raises AnswerMalformed if no Cove would have said that."""
    facts: dict[str, Any] = {"request_id": reply.request_id, "status": reply.status, "repeated": repeated}
    if reply.status < 300:
        value = request.shape() if request.shape is Nothing else _decode(request, reply, request.shape, endpoint)
        return Answer(value=value, **facts)
    refusal = _decode(request, reply, ErrorAnswer, endpoint)
    body = refusal.error
    facts["request_id"] = reply.request_id or refusal.request_id
    return Answer(error=error_from_wire(body.code, body.facts, body.message), **facts)


S = TypeVar("S")


def _decode(request: Request[Any], reply: Reply, shape: type[S], endpoint: str) -> S:
    try:
        return msgspec.json.decode(reply.body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        start = reply.body[:60].decode(errors="replace")
        reason = f"HTTP {reply.status}, {error}, in {start!r}"
        raise AnswerMalformed(endpoint=endpoint, request=request.name, reason=reason) from error


def segment(name: str, value: Any) -> str:
    """One piece of a path, quoted; raises InvalidInput for what cannot be one."""
    if not isinstance(value, str) or value in ("", ".", ".."):
        raise InvalidInput(name=name, value=value, remedy="give a non-empty text")
    try:
        return quote(value, safe="")
    except UnicodeEncodeError as error:
        raise InvalidInput(name=name, value=value, remedy="give text that is valid Unicode") from error


def body_of(name: str, content: Any) -> bytes:
    """JSON bytes of plain data; raises InvalidInput, naming what could not be written as JSON."""
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(name=name, value=type(content).__name__, remedy=f"it must be plain JSON: {error}") from error
