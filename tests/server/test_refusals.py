"""The log of the native API: one line for each refusal, with its route, and with nothing that its sender said."""

import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests.looking import Look
from websockets.exceptions import InvalidStatus

from cove.testing import Cove

from .conftest import client_of

SECRET = "s3cret"
Ask = Callable[[httpx2.Client, str], httpx2.Response]
REFUSED: dict[str, tuple[Ask, int, str, str]] = {
    "no such session": (
        lambda http, _: http.get(f"/v1/sessions/{SECRET}?token={SECRET}"),
        404,
        "GET /v1/sessions/{session_id}",
        "SessionNotFound",
    ),
    "no such route": (lambda http, _: http.get(f"/_cove/{SECRET}/"), 404, "GET no route", "NotFound"),
    "no such method": (lambda http, _: http.put(f"/v1/sessions/{SECRET}/pause"), 405, "PUT no route", "InvalidInput"),
    "a body that does not fit": (
        lambda http, _: http.post("/v1/sessions", json={"labels": SECRET}),
        400,
        "POST /v1/sessions",
        "InvalidInput",
    ),
    "a body that is no JSON": (
        lambda http, _: http.post("/v1/sessions", content=SECRET),
        400,
        "POST /v1/sessions",
        "InvalidInput",
    ),
    "a body nested too deep": (
        lambda http, _: http.post("/v1/sessions", content=b'{"labels":' + b"[" * 100_000),
        400,
        "POST /v1/sessions",
        "InvalidInput",
    ),
    "a body that is too long": (
        lambda http, _: http.post("/v1/sessions", content=SECRET.encode() * 300_000),
        413,
        "POST /v1/sessions",
        "InvalidInput",
    ),
    "a key that nobody has": (
        lambda http, _: http.get("/v1/sessions", headers={"Authorization": f"Bearer {SECRET}"}),
        401,
        "GET /v1/sessions",
        "KeyInvalid",
    ),
    "no such tool": (
        lambda http, session: http.post(f"/v1/sessions/{session}/tools/{SECRET}", json={"arguments": {"a": SECRET}}),
        404,
        "POST /v1/sessions/{session_id}/tools/{tool}",
        "ToolNotFound",
    ),
    "a session that is not paused": (
        lambda http, session: http.post(f"/v1/sessions/{session}/resume"),
        409,
        "POST /v1/sessions/{session_id}/resume",
        "WrongState",
    ),
}


def _lines(caplog: pytest.LogCaptureFixture, request_id: str) -> list[str]:
    found = [record.getMessage() for record in caplog.records if request_id in record.getMessage()]
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text
    return found


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_is_logged_once(http: httpx2.Client, session: str, caplog: pytest.LogCaptureFixture, case: str) -> None:
    caplog.set_level("INFO", "cove")
    ask, status, asks, code = REFUSED[case]
    answer = ask(http, session)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    (line,) = _lines(caplog, answer.headers["X-Request-Id"])
    for told in ("event='refused'", "dialect='native'", f"asks='{asks}'", f"error='{code}'", f"status={status}"):
        assert told in line


def test_what_is_done_is_no_refusal(http: httpx2.Client, session: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cove")
    failed: dict[str, Any] = {"arguments": {"command": "exit 3"}}
    http.post(f"/v1/sessions/{session}/tools/shell", json=failed).raise_for_status()
    assert "refused" not in caplog.text


def test_refused_handshake_is_logged_once(cove: Cove, session: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cove")
    with pytest.raises(InvalidStatus) as caught:
        Look(cove.endpoint, session, f"cols={SECRET}", cove.api_key)
    (line,) = _lines(caplog, caught.value.response.headers["X-Request-Id"])
    assert "asks='websocket /v1/sessions/{session_id}/terminal'" in line
    assert "error='InvalidInput'" in line
    assert "status=400" in line


def test_unreadable_word_to_a_terminal_is_logged_once(
    cove: Cove, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "cove")
    look = Look(cove.endpoint, session, "", cove.api_key)
    look.socket.send(f'{{"type": "{SECRET}"}}')
    assert look.end()["code"] == "InvalidInput"
    (line,) = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert "asks='websocket /v1/sessions/{session_id}/terminal'" in line
    assert SECRET not in caplog.text


def test_stranger_is_refused_without_a_word_of_key_or_session(
    http: httpx2.Client, cove: Cove, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = http.post("/v1/keys", json={"tenant": "blue"}).json()["secret"]
    caplog.set_level("INFO", "cove")
    with client_of(cove, secret) as stranger:
        answer = stranger.delete(f"/v1/sessions/{session}")
    (line,) = _lines(caplog, answer.headers["X-Request-Id"])
    assert "SessionNotFound" in line
    assert secret not in caplog.text
    assert session not in line


@pytest.mark.parametrize("length", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
def test_who_leaves_in_the_middle_of_a_body_is_no_defect(
    http: httpx2.Client, cove: Cove, caplog: pytest.LogCaptureFixture, length: bytes
) -> None:
    caplog.set_level("INFO", "cove")
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(cove.socket))
        line.sendall(b"POST /v1/sessions HTTP/1.1\r\nHost: cove\r\nContent-Type: application/json\r\n" + length)
        line.sendall(f"\r\nAuthorization: Bearer {cove.api_key}\r\n\r\n".encode())
    for _ in range(3):  # what came before them has been seen to when these are answered
        assert http.get("/v1/sessions").json()["sessions"] == []
    assert "failed" not in caplog.text
    assert "Traceback" not in caplog.text
