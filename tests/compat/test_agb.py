"""AGB's wire over the door: paths, camelCase, odd spellings, the envelope, the codes that its clients look for."""

import json
import socket
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from tests.waiting import until

from cove.compat.operations import ENDPOINTS
from cove.compat.operations.known_images import LACKING_IMAGES
from cove.testing import Cove

Ask = Callable[..., dict[str, Any]]
SESSIONLESS = {"POST /mcp/createSession", "GET /sdk/ListSession", "POST /mcp/listTools"}


@pytest.fixture
def ask(wire: httpx2.Client, key: str) -> Ask:
    """Asks an endpoint as the official client does; gives the body, with the HTTP status in `status`."""

    def send(endpoint: str, query: dict[str, str] | None = None, *, as_key: str = key, **body: Any) -> dict[str, Any]:
        method, path = endpoint.split(" ")
        headers = {"authorization": f"Bearer {as_key}", "Content-Type": "application/json"}
        content = json.dumps(body).encode() if method == "POST" else b""
        answer = wire.request(method, path, params=query, content=content, headers=headers)
        assert answer.headers["x-request-id"] == answer.json()["requestId"]
        assert answer.headers["content-type"] == "application/json"
        return {"status": answer.status_code, **answer.json()}

    return send


@pytest.fixture
def session(ask: Ask) -> str:
    """The id of a running session."""
    return str(ask("POST /mcp/createSession", {"imageId": "agb-code-space-1"})["data"]["sessionId"])


@pytest.fixture
def call(ask: Ask, session: str) -> Ask:
    """Calls a tool as clients of this generation do."""

    def send(name: str, **arguments: Any) -> dict[str, Any]:
        query = {"autoGenSession": "false"}
        return ask("POST /mcp", query, sessionId=session, name=name, args=json.dumps(arguments), server="x")

    return send


def test_success_is_an_envelope_with_a_session(ask: Ask) -> None:
    query = {"imageId": "agb-code-space-1", "sdkStats": '{"source":"sdk","sdk_version":"0.12.0"}'}
    made = ask("POST /mcp/createSession", query, labels='{"na\\u00efve": "v v"}')
    assert {name: value for name, value in made.items() if name not in {"data", "requestId"}} == {
        "status": 200,
        "code": "ok",
        "httpStatusCode": 200,
        "message": None,
        "success": True,
    }
    data = made["data"]
    assert data["success"] is True
    assert not data["errMsg"]
    assert data["appInstanceId"]
    assert data["resourceId"]
    assert "resourceId=" in data["resourceUrl"]
    assert {"name": "shell", "server": "wuying_shell"} in json.loads(data["toolList"])
    labels = ask("GET /sdk/GetLabel", {"sessionId": data["sessionId"]})["data"]["labels"]
    assert json.loads(labels) == {"naïve": "v v"}


def test_session_is_taken_up_with_what_it_was_made_with(ask: Ask, session: str) -> None:
    taken = ask("POST /mcp/getSession", sessionId=session)["data"]
    assert (taken["sessionId"], taken["status"]) == (session, "RUNNING")
    assert json.loads(taken["toolList"])
    assert ask("POST /mcp/getSessionInfo", sessionId=session)["data"]["status"] == "RUNNING"


def test_resource_tells_where_the_session_is_looked_at(ask: Ask, session: str) -> None:
    resource = ask("POST /mcp/getMcpResource", sessionId=session)["data"]
    assert resource["sessionId"] == session
    assert f"resourceId={resource['desktopInfo']['resourceId']}" in resource["resourceUrl"]
    assert resource["desktopInfo"].keys() == {
        *("appId", "authCode", "connectionProperties"),
        *("resourceId", "resourceType", "ticket"),
    }


@pytest.mark.parametrize("endpoint", sorted(set(ENDPOINTS) - SESSIONLESS))
def test_session_that_is_not_there_is_not_found_and_no_endpoint_is_a_defect(ask: Ask, endpoint: str) -> None:
    query = {"sessionId": "s-none", "Labels": '{"a": "b"}', "port": "30100", "protocolType": "https"}
    answer = ask(endpoint, query, sessionId="s-none", name="shell")
    lacks = ENDPOINTS[endpoint].lacks
    not_found = "InvalidSession.NotFound" if endpoint == "POST /mcp" else "InvalidMcpSession.NotFound"
    assert (answer["status"], answer["httpStatusCode"], answer["success"]) == (400, 400, False)
    assert answer["code"] == ("NotSupported" if lacks else not_found)
    assert (lacks or "Session s-none not found") in answer["message"]


def test_call_that_is_refused_is_a_failed_result_too(ask: Ask, call: Ask) -> None:
    refused = ask("POST /mcp", sessionId="s-none", name="shell", args="{}")
    assert refused["data"] == {"isError": True, "content": [{"type": "text", "text": "Session s-none not found"}]}
    assert ask("POST /mcp/getMcpResource", sessionId="s-none")["data"] is None


def test_another_tenants_session_is_not_found(ask: Ask, session: str, make_key: Callable[[], str]) -> None:
    other = make_key()
    for endpoint in ("getSession", "getSessionInfo", "releaseSessionAsync", "releaseSession", "getMcpResource"):
        answer = ask(f"POST /mcp/{endpoint}", as_key=other, sessionId=session)
        assert answer["code"] == "InvalidMcpSession.NotFound"
    assert ask("GET /sdk/ListSession", {"labels": "{}"}, as_key=other)["data"] == []


@pytest.mark.parametrize("shown", ["Bearer wrong", "Basic abc", "Bearer", "wrong", ""])
@pytest.mark.parametrize("endpoint", ["GET /sdk/ListSession", "POST /mcp", "POST /mcp/makeCoffee", "GET /browser"])
def test_wrong_key_learns_nothing(wire: httpx2.Client, endpoint: str, shown: str) -> None:
    method, path = endpoint.split(" ")
    answer = wire.request(method, path, headers={"authorization": shown}).json()
    assert (answer["httpStatusCode"], answer["success"]) == (401, False)
    assert "AGB_API_KEY" in answer["message"]


def test_duplicate_slashes_of_an_endpoint_that_ends_in_one_are_collapsed(cove: Cove, key: str) -> None:
    for path in ("//sdk/ListSession", "/sdk//ListSession/"):
        assert b'"success":true' in _raw(cove, f"GET {path} HTTP/1.1", key)


def test_body_may_be_empty_where_it_says_json(wire: httpx2.Client, key: str, session: str) -> None:
    headers = {"authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for content in (b"", b"{}", b" \r\n"):
        path = f"/mcp/refreshSessionIdleTime?sessionId={session}"
        assert wire.post(path, content=content, headers=headers).json()["success"] is True


def test_request_line_of_200_kib_is_read(cove: Cove, key: str, session: str) -> None:
    target = f"/mcp/refreshSessionIdleTime?sessionId={session}&browserOption={'x' * 200 * 1024}"
    assert b'"success":true' in _raw(cove, f"POST {target} HTTP/1.1", key)


def _raw(cove: Cove, line: str, key: str) -> bytes:
    """The answer to a request whose line no client's library touches."""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(30)
        door.connect(str(cove.socket))
        door.sendall(f"{line}\r\nHost: a\r\nauthorization: Bearer {key}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: door.recv(65536), b""))


def test_unknown_endpoint_and_wrong_method_are_told(ask: Ask) -> None:
    assert ask("POST /mcp/makeCoffee")["code"] == "InvalidAction.NotFound"
    assert "makeCoffee" in ask("POST /mcp/makeCoffee")["message"]
    wrong = ask("GET /mcp/createSession")
    assert (wrong["status"], wrong["code"]) == (400, "InvalidParameter")
    assert "send POST" in wrong["message"]


def test_mcp_client_at_this_path_is_told_what_it_found(ask: Ask) -> None:
    assert "MCP" in ask("POST /mcp", jsonrpc="2.0", method="initialize", id=1)["message"]


def test_native_paths_stay_native(wire: httpx2.Client) -> None:
    assert wire.post("/v1/sessions").json()["error"]["code"] == "KeyInvalid"


@pytest.mark.parametrize(("body", "idle"), [({}, 300), ({"timeout": 60}, 60), ({"timeout": "60"}, 60)])
def test_timeout_counts_seconds(ask: Ask, wire: httpx2.Client, key: str, body: dict[str, Any], idle: float) -> None:
    session_id = ask("POST /mcp/createSession", **body)["data"]["sessionId"]
    view = wire.get(f"/v1/sessions/{session_id}", headers={"Authorization": f"Bearer {key}"}).json()
    assert (view["idle_timeout"], view["max_lifetime"], view["on_idle"]) == (idle, 1800, "release")


def test_looking_at_a_session_keeps_nothing_alive(ask: Ask, cove: Cove) -> None:
    kept, left = (ask("POST /mcp/createSession", timeout=600)["data"]["sessionId"] for _ in range(2))
    cove.pass_time(450)
    assert ask("POST /mcp/refreshSessionIdleTime", {"sessionId": kept})["success"] is True
    assert ask("POST /mcp/getSessionInfo", sessionId=left)["data"]["status"] == "RUNNING"
    cove.pass_time(300)
    assert ask("POST /mcp/getSessionInfo", sessionId=kept)["data"]["status"] == "RUNNING"
    assert ask("POST /mcp/getSessionInfo", sessionId=left)["data"]["status"] == "FINISH"


@pytest.mark.parametrize("endpoint", ["POST /mcp/releaseSessionAsync", "POST /mcp/releaseSession"])
def test_deleted_session_is_finished_in_its_status_only(ask: Ask, session: str, endpoint: str) -> None:
    released = ask(endpoint, sessionId=session)
    assert (released["success"], released["data"]) == (True, None)
    until(lambda: ask("POST /mcp/getSessionInfo", sessionId=session)["data"]["status"] == "FINISH", "its end")
    assert ask("POST /mcp/getSession", sessionId=session)["code"] == "InvalidMcpSession.NotFound"
    assert ask(endpoint, sessionId=session)["code"] == "InvalidMcpSession.NotFound"
    assert ask("POST /mcp", sessionId=session, name="shell")["data"]["isError"] is True


def test_pause_and_resume_of_one_old_version_work(ask: Ask, session: str) -> None:
    assert ask("POST /mcp/pauseSessionAsync", sessionId=session)["success"] is True
    assert ask("POST /mcp/getSessionInfo", sessionId=session)["data"]["status"] in {"PAUSING", "PAUSED"}
    assert ask("POST /mcp/resumeSessionAsync", sessionId=session)["success"] is True
    assert ask("POST /mcp/getSessionInfo", sessionId=session)["data"]["status"] in {"RESUMING", "RUNNING"}


def test_list_goes_by_all_labels_a_page_at_a_time(ask: Ask) -> None:
    create = "POST /mcp/createSession"
    made = [ask(create, labels=f'{{"n": "{n}", "all": "y"}}')["data"]["sessionId"] for n in range(3)]
    wanted = {"labels": '{"all": "y"}', "maxResults": "2"}
    first = ask("GET /sdk/ListSession", wanted)
    assert (first["count"], first["maxResults"], len(first["data"])) == (3, 2, 2)
    second = ask("GET /sdk/ListSession", {**wanted, "nextToken": first["nextToken"]})
    assert [entry["sessionId"] for entry in [*first["data"], *second["data"]]] == made[::-1]
    assert {entry["sessionStatus"] for entry in first["data"]} == {"RUNNING"}
    assert not second["nextToken"]
    one = ask("GET /sdk/ListSession", {"labels": '{"all": "y", "n": "1"}'})
    assert [entry["sessionId"] for entry in one["data"]] == [made[1]]
    assert len(ask("GET /sdk/ListSession", {"labels": "{}", "isAll": "true"})["data"]) == 3


def test_labels_are_replaced_as_a_whole_whatever_the_case_of_their_name(ask: Ask, session: str) -> None:
    for name, labels in (("Labels", '{"a": "1"}'), ("labels", '{"b": "ü", "c": "3"}')):
        assert ask("POST /sdk/SetLabel", {"sessionId": session, name: labels})["success"] is True
        assert ask("GET /sdk/GetLabel", {"sessionId": session})["data"]["labels"] == labels.replace(": ", ":").replace(
            ", ", ","
        )


def test_tools_are_listed_as_text_with_a_harmless_one_first(ask: Ask) -> None:
    listed = ask("POST /mcp/listTools", {"imageId": "agb-code-space-1"})["data"]
    tools = json.loads(listed)
    assert tools[0]["name"] == "get_metrics"
    assert {"name", "description", "inputSchema", "server", "tool"} == tools[0].keys()
    assert ask("POST /mcp/listTools", {"imageId": "no-such"})["code"] == "InvalidImage.NotFound"


def test_tool_gives_its_text_without_a_message(call: Ask) -> None:
    wrote = call("write_file", path="/tmp/a", content="ü\n")
    assert (wrote["message"], wrote["data"]["isError"]) == (None, False)
    assert call("read_file", path="/tmp/a")["data"]["content"] == [{"type": "text", "text": "ü\n"}]
    ran = json.loads(call("shell", command="echo out; exit 3", timeout_ms=60_000)["data"]["content"][0]["text"])
    assert (ran["stdout"], ran["exit_code"]) == ("out\n", 3)


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("read_file", {"path": "/none"}, "/none"),
        ("read_file", {"path": 3}, "path"),
        ("no_such_tool", {}, "no_such_tool"),
        ("run_code", {"code": "1", "language": "python"}, "code"),
    ],
)
def test_tool_that_fails_says_so_in_its_result(call: Ask, tool: str, arguments: dict[str, Any], said: str) -> None:
    answer = call(tool, **arguments)
    assert (answer["status"], answer["success"], answer["message"]) == (200, True, None)
    assert answer["data"]["isError"] is True
    assert said in answer["data"]["content"][0]["text"]


def test_oldest_clients_are_given_what_a_command_printed(ask: Ask, session: str) -> None:
    def printed(command: str) -> dict[str, Any]:
        answer = ask("POST /mcp", sessionId=session, name="shell", args=json.dumps({"command": command}))
        return dict(answer["data"])

    assert printed("echo out") == {"isError": False, "content": [{"type": "text", "text": "out\n"}]}
    assert printed("echo bad; exit 3") == {"isError": True, "content": [{"type": "text", "text": "bad\n"}]}


@pytest.mark.parametrize("endpoint", ["GET /internet/getLink", "GET /mcp/getLink"])
def test_link_goes_to_valid_ports_only(ask: Ask, session: str, endpoint: str) -> None:
    for port in ("80", "30200", "soon", "30150.5"):
        answer = ask(endpoint, {"sessionId": session, "protocolType": "https", "port": port})
        assert answer["success"] is False


@pytest.mark.parametrize(
    ("endpoint", "where", "name", "value"),
    [
        ("POST /mcp/createSession", "body", "timeout", "soon"),
        ("POST /mcp/createSession", "body", "timeout", -1),
        ("POST /mcp/createSession", "body", "timeout", 1.5),
        ("POST /mcp/createSession", "body", "timeout", True),
        ("POST /mcp/createSession", "body", "timeout", {}),
        ("POST /mcp/createSession", "body", "timeout", 10**11),
        ("POST /mcp/createSession", "body", "labels", "{"),
        ("POST /mcp/createSession", "body", "labels", [1]),
        ("POST /mcp/createSession", "body", "labels", '{"a": 1}'),
        ("POST /mcp/createSession", "body", "labels", '{"a":' * 3000),
        ("POST /mcp/createSession", "body", "persistenceDataList", "x"),
        ("POST /mcp/createSession", "body", "imageId", 3),
        ("POST /sdk/SetLabel", "query", "Labels", "{}"),
        ("POST /sdk/SetLabel", "query", "Labels", '{"a": ""}'),
        ("GET /sdk/ListSession", "query", "maxResults", "ten"),
        ("GET /sdk/ListSession", "query", "maxResults", "0"),
        ("GET /sdk/ListSession", "query", "nextToken", "!!"),
        ("GET /sdk/ListSession", "query", "labels", "{"),
        ("POST /mcp", "body", "args", "{"),
        ("POST /mcp", "body", "args", "[]"),
        ("POST /mcp", "body", "args", 3),
        ("POST /mcp", "body", "args", '{"a":' * 100_000),
        ("POST /mcp/getSession", "body", "sessionId", ["s"]),
        ("POST /mcp/getSession", "body", "sessionId", 7),
    ],
)
def test_value_that_does_not_fit_is_refused_by_name(
    ask: Ask, session: str, endpoint: str, where: str, name: str, value: Any
) -> None:
    query = {"sessionId": session, **({name: value} if where == "query" else {})}
    body = {name: value} if where == "body" else {}
    answer = ask(endpoint, query, **body)
    assert (answer["status"], answer["code"], answer["success"]) == (400, "InvalidParameter", False)
    known = {"nextToken": "cursor"}.get(name, name)
    assert known.lower() in answer["message"].lower()
    assert len(answer["message"]) < 400


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[]", b"3", b"null", b'"x"', b"{", b"a=b", b'{"sessionId": "\\ud800"}', b"[" * 200_000]
)
@pytest.mark.parametrize("path", ["/mcp/getSession", "/mcp", "/mcp/createSession", "/browser/init"])
def test_body_of_the_wrong_type_is_an_error_of_the_dialect(
    wire: httpx2.Client, key: str, path: str, content: bytes
) -> None:
    answer = wire.post(path, content=content, headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 400
    assert (answer.json()["code"], answer.json()["success"]) == ("InvalidParameter", False)


def test_query_that_is_no_text_is_refused(wire: httpx2.Client, key: str) -> None:
    answer = wire.get("/sdk/ListSession?labels=%ff", headers={"authorization": f"Bearer {key}"})
    assert answer.json()["code"] == "InvalidParameter"


@pytest.mark.parametrize(
    ("wish", "capability"),
    [
        ({"persistenceDataList": [{"contextId": "c", "path": "/x", "policy": "{}"}]}, "contexts"),
        ({"mcpPolicyId": "p-1"}, "policies"),
    ],
)
def test_session_that_would_lack_something_is_refused_by_its_capability(
    ask: Ask, wish: dict[str, Any], capability: str
) -> None:
    answer = ask("POST /mcp/createSession", **wish)
    assert (answer["code"], answer["data"]) == ("NotSupported", None)
    assert capability in answer["message"]


@pytest.mark.parametrize(("image", "capability"), LACKING_IMAGES.items())
def test_image_that_is_not_built_is_refused_by_its_capability(ask: Ask, image: str, capability: str) -> None:
    for endpoint in ("POST /mcp/createSession", "POST /mcp/listTools"):
        answer = ask(endpoint, {"imageId": image})
        assert (answer["code"], answer["data"]) == ("NotSupported", None)
        assert f"'{capability}'" in answer["message"]
