"""Bad requests by who asks for what: wrong keys, others' sessions, unknown actions."""

from collections.abc import Callable
from typing import Any

import msgspec
from tests.doors.rows import BOTH, KIB, REST, RPC, Build, Case, Row, raw, takes_session, wish
from tests.doors.speaking import BY_ACTION, Request

from cove.compat.operations.catalogue import OPERATIONS


def _by(choose: Callable[[Case], str | None], action: str = "ListSession") -> Build:
    """A request with another key, or none."""

    def build(case: Case) -> Request:
        given = {case.dialect.case("session_id"): case.session} if takes_session(action) else {}
        return case.dialect.request(BY_ACTION[action], choose(case), given)

    return build


def _shown(value: str) -> Build:
    """A request that shows its key in a way of its own, in the header."""

    def build(case: Case) -> Request:
        asked = _by(lambda _: None)(case)
        return msgspec.structs.replace(asked, headers={**asked.headers, "authorization": value})

    return build


def _elsewhere(target: dict[str, str], method: str = "POST") -> Build:
    """A request with the key, to another target."""

    def build(case: Case) -> Request:
        asked = wish("ListMcpTools")(case)
        return msgspec.structs.replace(asked, method=method, target=target[case.dialect.name])

    return build


def keys() -> list[Row]:
    ways: dict[str, Build] = {
        "no key": _by(lambda _: None),
        "an empty key": _by(lambda _: ""),
        "a wrong key": _by(lambda _: "wrong"),
        "a key of the right shape": _by(lambda case: case.key[:-4] + "AAAA"),
        "a key and more": _by(lambda case: case.key + "x"),
        "a key in capitals": _by(lambda case: case.key.upper()),
        "a key of 100 KiB": _by(lambda _: "cove_k-" + "x" * 60 * KIB),
        "a revoked key": _by(lambda case: case.revoked),
        "a key under another scheme": _shown("Basic d3Jvbmc6d3Jvbmc="),
        "a key that is no ASCII": _shown("Bearer sch\xfcssel"),
        "a wrong key for a session": _by(lambda _: "wrong", "GetSession"),
        "a wrong key for an unknown action": _shown("Bearer wrong"),
    }
    return [Row(name=name, build=build, status=401, code="key", says="API_KEY") for name, build in ways.items()]


def sessions() -> list[Row]:
    """Every operation on a session: by another tenant, and for sessions that cannot be."""
    rows = []
    for operation in OPERATIONS:
        if "session_id" not in operation.request.__struct_fields__:
            continue
        more = _NEEDED.get(operation.action, {})
        code = "call" if operation.action == "CallMcpTool" else "session"
        dialects = BOTH if operation.agb else RPC
        theirs = _as_stranger(operation.action, more)
        rows.append(
            Row(name=f"another tenant's session: {operation.action}", build=theirs, code=code, dialects=dialects)
        )
        for said, session_id in _NO_SESSIONS.items():
            build = wish(operation.action, session_id=session_id, **more)
            rows.append(Row(name=f"{said}: {operation.action}", build=build, code=code, dialects=dialects))
    return rows


_NEEDED: dict[str, dict[str, Any]] = {
    "SetLabel": {"labels": '{"a": "b"}'},
    "GetLink": {"protocol_type": "https", "port": "30100"},
    "CallMcpTool": {"name": "shell", "args": '{"command": "true"}'},
}
_NO_SESSIONS = {
    "a session that is not there": "s-0000000000000000",
    "a session that cannot be": "../../etc/passwd\0' OR 1=1 --",
    "a session of 10 KiB": "s" * 10 * KIB,
}


def _as_stranger(action: str, more: dict[str, Any]) -> Build:
    def build(case: Case) -> Request:
        return wish(action, **more)(msgspec.structs.replace(case, key=case.stranger))

    return build


def actions() -> list[Row]:
    rows = [
        Row(
            name=f"an unknown action: {said}",
            build=_elsewhere({"agentbay": f"/?Action={shown}", "agb": f"/mcp/{shown}"}),
            status=404,
            code="InvalidAction.NotFound",
        )
        for said, shown in {
            "never heard of": "MakeCoffee",
            "in another case": "CREATEMCPSESSION",
            "with a NUL": "getSession%00",
            "not ASCII": "%E2%98%95",
            "of 50 KiB": "x" * 50 * KIB,
        }.items()
    ]
    none = Row(name="no action", build=_elsewhere({"agentbay": "/"}), dialects=RPC, says="Action")
    no_text = Row(name="an action that is no text", build=_elsewhere({"agentbay": "/?Action=%ff"}), dialects=RPC)
    wrong = Row(
        name="the wrong method", build=_elsewhere({"agb": "/mcp/createSession"}, "GET"), dialects=REST, says="POST"
    )
    mcp = Row(name="a client of MCP", build=raw("CallMcpTool", b'{"jsonrpc":"2.0"}'), dialects=REST, says="MCP")
    return [*rows, none, no_text, wrong, mcp]
