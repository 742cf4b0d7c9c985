"""`POST LinkUrl/callTool`: a call over a session's own address is a call like any other, for whoever has its token."""

import json
import re
from typing import Any

import httpx2
import pytest
from tests.asking import at_socket
from tests.compat.link.conftest import PUBLIC, Call, Idler, Make, text_of

from cove.testing import Cove, running_cove

pytestmark = pytest.mark.claim("session-token")
FORGED = "s" + 48 * "0"


def test_session_is_told_its_own_addresses_by_both_dialects(
    wire: httpx2.Client, key: str, session: dict[str, Any]
) -> None:
    place = f"{PUBLIC}/link/{session['SessionId']}"
    assert (session["LinkUrl"], session["WsUrl"]) == (place, f"ws{place.removeprefix('http')}/ws")
    shown = {"Authorization": f"Bearer {key}"}
    taken = wire.post("/mcp/getSession", json={"sessionId": session["SessionId"]}, headers=shown).json()["data"]
    assert (taken["linkUrl"], taken["wsUrl"], taken["token"]) == (place, session["WsUrl"], session["Token"])


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("shell", {"command": "echo hello; exit 3"}),
        ("shell", {"command": 5}),
        ("shell", {"command": "sleep 9", "timeout_ms": 100}),
        ("write_file", {"path": "/tmp/of-a-link", "content": "é"}),
        ("list_directory", {"path": "/no/such"}),
        ("get_file_change", {"path": "/tmp"}),
        ("run_code", {"code": "1", "language": "python"}),
        ("fly", {}),
        ("", {}),
    ],
)
def test_call_gives_what_it_gives_through_the_api(
    wire: httpx2.Client, key: str, session: dict[str, Any], call: Call, tool: str, arguments: dict[str, Any]
) -> None:
    form = {"Name": tool, "Args": json.dumps(arguments), "SessionId": session["SessionId"], "AutoGenSession": "False"}
    api = wire.post("/", params={"Action": "CallMcpTool"}, data={"Authorization": f"Bearer {key}", **form}).json()

    answer = call(tool, **arguments)

    assert answer["status"] == 200
    result = answer["data"]["result"]
    assert [_as_told(block["text"]) for block in result["content"]] == [
        _as_told(block["text"]) for block in api["Data"]["content"]
    ]
    assert result["isError"] == api["Data"]["isError"]


def _as_told(text: str) -> str:
    """Without the id of the request, which differs."""
    return re.sub('"traceId":"r-[^"]+"', "", text)


def test_token_is_taken_from_header_or_body(wire: httpx2.Client, session: dict[str, Any]) -> None:
    body = {"tool": "shell", "args": {"command": "true"}}
    for fields, headers in (
        ({}, {"X-Access-Token": session["Token"]}),
        ({"token": session["Token"]}, {}),
    ):
        assert wire.post(f"{session['LinkUrl']}/callTool", json={**body, **fields}, headers=headers).status_code == 200
    two = {"X-Access-Token": session["Token"]}
    assert wire.post(f"{session['LinkUrl']}/callTool", json={**body, "token": FORGED}, headers=two).status_code == 403


def test_token_opens_its_own_session_and_no_other(call: Call, make: Make) -> None:
    other = make()
    assert call(command="true")["status"] == 200
    assert call(command="true", link_url=other["LinkUrl"])["status"] == 403
    assert call(command="true", token=other["Token"])["status"] == 403


@pytest.mark.parametrize("token", [FORGED, "x", "s", 49 * "-", "l" + 48 * "0", "Bearer x"])
def test_forged_token_opens_nothing(call: Call, token: str) -> None:
    answer = call(command="true", token=token)
    assert (answer["status"], answer["success"], answer["code"]) == (403, False, "LinkRefused")


def test_key_is_no_token(wire: httpx2.Client, key: str, session: dict[str, Any]) -> None:
    body = {"tool": "shell", "args": {"command": "true"}}
    headers = {"Authorization": f"Bearer {key}"}
    assert wire.post(f"{session['LinkUrl']}/callTool", json=body, headers=headers).status_code == 403


def test_token_that_was_taken_back_opens_nothing(
    wire: httpx2.Client, key: str, session: dict[str, Any], call: Call
) -> None:
    shown = {"Authorization": f"Bearer {key}"}
    wire.delete(f"/v1/sessions/{session['SessionId']}/links", headers=shown).raise_for_status()
    assert call(command="true")["status"] == 403
    taken = wire.post("/mcp/getSession", json={"sessionId": session["SessionId"]}, headers=shown).json()["data"]
    assert call(command="true", token=taken["token"])["status"] == 200


def test_link_to_a_port_calls_no_tools(wire: httpx2.Client, key: str, session: dict[str, Any], call: Call) -> None:
    wish = {"port": 30100, "protocol_type": "https"}
    made = wire.post(
        f"/v1/sessions/{session['SessionId']}/links", json=wish, headers={"Authorization": f"Bearer {key}"}
    )
    token = made.json()["url"].rstrip("/").rpartition("/")[2]
    assert call(command="true", token=token)["status"] == 403


def test_session_that_has_ended_is_not_found_in_words_that_clients_know(
    wire: httpx2.Client, key: str, session: dict[str, Any], call: Call
) -> None:
    shown = {"Authorization": f"Bearer {key}"}
    wire.delete(f"/v1/sessions/{session['SessionId']}", headers=shown).raise_for_status()
    answer = call(command="true")
    assert (answer["status"], answer["data"]["result"]["isError"]) == (200, True)
    assert "InvalidMcpSession.NotFound" in text_of(answer)
    assert f"Session {session['SessionId']} not found" in text_of(answer)


def test_session_that_somebody_paused_says_so(
    wire: httpx2.Client, key: str, session: dict[str, Any], call: Call
) -> None:
    shown = {"Authorization": f"Bearer {key}"}
    wire.post(f"/v1/sessions/{session['SessionId']}/pause", headers=shown).raise_for_status()
    answer = call(command="true")
    assert (answer["code"], answer["data"]["result"]["isError"]) == ("SessionPaused", True)
    assert "is PAUSED: call resume() first" in text_of(answer)


def test_call_is_a_use_and_wakes_what_idleness_paused(cove: Cove, idler: Idler, call: Call) -> None:
    place = {"token": idler.told["token"], "link_url": idler.told["linkUrl"]}
    cove.pass_time(400)
    assert call(command="true", **place)["status"] == 200
    cove.pass_time(400)
    assert idler.state() == "RUNNING"
    cove.pass_time(601)
    assert idler.state() == "PAUSED"
    assert text_of(call(command="echo up", **place))["stdout"] == "up\n"
    assert idler.state() == "RUNNING"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"args": 5}', b'{"args": "{"}', b'{"tool": 5}', b"[" * 100_000],
)
def test_malformed_body_is_refused(wire: httpx2.Client, session: dict[str, Any], body: bytes) -> None:
    answer = wire.post(f"{session['LinkUrl']}/callTool", content=body, headers={"X-Access-Token": session["Token"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidInput")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(wire: httpx2.Client, session: dict[str, Any], method: str) -> None:
    assert wire.request(method, f"{session['LinkUrl']}/callTool").status_code == 400


@pytest.mark.parametrize(
    "path", ["/link/", "/link/x", "/link//callTool", "/link/x/y/callTool", "/link/%2e%2e/callTool"]
)
def test_what_is_no_sessions_address_leads_nowhere(wire: httpx2.Client, path: str) -> None:
    body = {"tool": "shell", "args": {}, "token": FORGED}
    assert wire.post(path, json=body).status_code in (403, 404)


def test_arguments_as_json_text_are_read_too(wire: httpx2.Client, session: dict[str, Any]) -> None:
    body = {"tool": "shell", "args": json.dumps({"command": "echo hi"}), "token": session["Token"]}
    answer = wire.post(f"{session['LinkUrl']}/callTool", json=body).json()
    assert text_of(answer)["stdout"] == "hi\n"


def test_refusal_is_logged_once_without_token_or_arguments(call: Call, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    answer = call(command="echo s3cret", token=FORGED)
    (line,) = [record.getMessage() for record in caplog.records if answer["requestId"] in record.getMessage()]
    assert "LinkRefused" in line
    assert "callTool" in line
    for secret in (FORGED, "s3cret", "Traceback"):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"public_url": ""}, False),
        ({"public_url": "https://cove.example.org/sub/"}, True),
        ({"public_url": "http://127.0.0.1:7717", "links": None}, True),
    ],
)
def test_addresses_follow_the_public_one(settings: dict[str, Any], told: bool) -> None:
    with running_cove(**settings) as cove:
        data = _made(cove)
    public = settings["public_url"].rstrip("/")
    place = f"{public}/link/{data['SessionId']}" if told else ""
    assert data["LinkUrl"] == place
    assert data["WsUrl"] == (f"ws{place.removeprefix('http')}/ws" if told else "")


@pytest.mark.parametrize(("images", "told"), [("linux_latest", False), ("*", False), ("browser_latest", True)])
def test_api_mode_leaves_out_the_link_url_alone(images: str, told: bool) -> None:
    with running_cove(public_url=PUBLIC, api_mode_images=frozenset({images})) as cove:
        data = _made(cove)
    assert (bool(data["LinkUrl"]), bool(data["WsUrl"]), bool(data["Token"])) == (told, True, True)


def _made(cove: Cove) -> dict[str, Any]:
    with at_socket(cove.socket, timeout=30) as client:
        form = {"Authorization": f"Bearer {cove.api_key}"}
        return dict(client.post("/?Action=CreateMcpSession", data=form).raise_for_status().json()["Data"])
