"""One bad request, and what its sender must be told: a row, said in both dialects where both can."""

from collections.abc import Callable
from typing import Any

import msgspec
from tests.doors.speaking import BY_ACTION, Dialect, Request

BOTH = ("agentbay", "agb")
RPC, REST = ("agentbay",), ("agb",)
PARAMETER = "InvalidParameter"
KIB = 1024


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and for what. `session` is of `key`'s tenant; `stranger` and `revoked` are other keys."""

    dialect: Dialect
    key: str
    session: str
    stranger: str
    revoked: str


Build = Callable[[Case], Request]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One bad request. `code` is the wire's, or the name that its dialect has for it; `says` is in the message."""

    name: str
    build: Build
    status: int = 400
    code: str = PARAMETER
    says: str = ""
    dialects: tuple[str, ...] = BOTH


def wish(action: str, **fields: Any) -> Build:
    """A request whose fields are named in snake_case, with the case's key and session unless others are given."""

    def build(case: Case) -> Request:
        given = {"session_id": case.session, **fields} if takes_session(action) else fields
        return case.dialect.request(
            BY_ACTION[action], case.key, {case.dialect.case(name): value for name, value in given.items()}
        )

    return build


def takes_session(action: str) -> bool:
    return "session_id" in BY_ACTION[action].request.__struct_fields__


def raw(action: str, body: bytes, **headers: str) -> Build:
    """The same request with another body, and other headers."""

    def build(case: Case) -> Request:
        asked = wish(action)(case)
        shown = {"authorization": f"Bearer {case.key}"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return msgspec.structs.replace(asked, body=body, headers={**asked.headers, **shown, **named})

    return build
