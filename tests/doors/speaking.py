"""Both dialects as one: a wish said on either wire by hand, byte for byte, and what came back."""

import http.client
import json
import select
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import msgspec

from cove.compat.operations import Operation
from cove.compat.operations.catalogue import OPERATIONS

BY_ACTION = {operation.action: operation for operation in OPERATIONS}
PATIENCE = 30.0
"""Seconds for any answer: whatever takes longer hangs."""
Answered = tuple[int, dict[str, str], bytes]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it goes over the wire. `headers` come beside those that the transport adds."""

    target: str
    body: bytes = b""
    method: str = "POST"
    headers: Mapping[str, str] = {}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever the wire: `text` is all of the body."""

    status: int
    code: str
    message: str
    is_success: bool
    request_id: str
    data: Any
    text: str


class Dialect:
    """How a wish is said. `fields` have the wire's names; a value that is no text is what the wire makes of it."""

    name = ""
    action_unknown = "InvalidAction.NotFound"
    codes: ClassVar[Mapping[str, str]] = {}
    """The wire's own word for what is called by one name here: `key`, `session`."""

    def request(self, operation: Operation, key: str | None, fields: Mapping[str, Any]) -> Request:
        """The request for a wish."""
        raise NotImplementedError

    def knows(self, operation: Operation) -> bool:
        """Whether the wire has this operation."""
        raise NotImplementedError

    def case(self, name: str) -> str:
        """A field's name as this wire writes it."""
        raise NotImplementedError

    def read(self, answered: Answered) -> Told:
        """The answer, whose envelope must be whole, and of one mind with its status and its headers."""
        status, headers, body = answered
        envelope = json.loads(body)
        told = Told(
            status=status,
            code=envelope[self.case("code")],
            message=envelope[self.case("message")] or "",
            is_success=envelope[self.case("success")],
            request_id=envelope[self.case("request_id")],
            data=envelope.get(self.case("data")),
            text=body.decode(),
        )
        assert envelope[self.case("http_status_code")] == status
        assert told.is_success is (status == 200)
        assert (told.code == "ok") is told.is_success
        assert told.request_id == headers["x-request-id"]
        assert headers["content-type"] == "application/json"
        return told


class Rpc(Dialect):
    """AgentBay's: an action in the query, a form, JSON as text."""

    name = "agentbay"
    codes: ClassVar = {
        "key": "NOT_LOGIN",
        "session": "InvalidMcpSession.NotFound",
        "call": "InvalidMcpSession.NotFound",
    }

    def knows(self, operation: Operation) -> bool:
        return True

    def case(self, name: str) -> str:
        return "".join(word.capitalize() for word in name.split("_"))

    def request(self, operation: Operation, key: str | None, fields: Mapping[str, Any]) -> Request:
        shown = {"Authorization": f"Bearer {key}"} if key is not None else {}
        form = shown | {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        headers = {"Host": "http://127.0.0.1:1", "Content-Type": "application/x-www-form-urlencoded"}
        query = urlencode({"Action": operation.action, "Version": "2025-05-06", "Format": "json"})
        return Request(target=f"/?{query}", body=urlencode(form).encode(), headers=headers)


class Rest(Dialect):
    """AGB's: a path, JSON in the body, or in the query where it is a GET."""

    name = "agb"
    codes: ClassVar = {
        "key": "InvalidApiKey",
        "session": "InvalidMcpSession.NotFound",
        "call": "InvalidSession.NotFound",
    }

    def knows(self, operation: Operation) -> bool:
        return bool(operation.agb)

    def case(self, name: str) -> str:
        first, *others = name.split("_")
        return first + "".join(word.capitalize() for word in others)

    def request(self, operation: Operation, key: str | None, fields: Mapping[str, Any]) -> Request:
        method, path = operation.agb[0].split(" ")
        headers = {"Content-Type": "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        if method == "POST":
            return Request(target=path, body=json.dumps(fields).encode(), headers=headers)
        query = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        return Request(method=method, target=f"{path}?{urlencode(query)}", headers=headers)


DIALECTS: tuple[Dialect, ...] = (Rpc(), Rest())


class Line:
    """One connection to a server, kept for many requests, and made again where the server closed it."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self._http = http.client.HTTPConnection(place.hostname or "", place.port, timeout=PATIENCE)

    def send(self, request: Request) -> Answered:
        """The answer: status, headers in lower case, body. A header's value goes as it is, in Latin-1."""
        if self._http.sock is not None and select.select([self._http.sock], [], [], 0)[0]:
            self._http.close()  # nobody has asked for so long that the server hung up
        headers = {"Host": "127.0.0.1", **request.headers}
        self._http.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        if "Transfer-Encoding" not in headers:
            headers["Content-Length"] = str(len(request.body))
        for name, value in headers.items():
            self._http.putheader(name, value.encode("latin-1"))
        self._http.endheaders(request.body)
        answer = self._http.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    def close(self) -> None:
        """Hang up."""
        self._http.close()
