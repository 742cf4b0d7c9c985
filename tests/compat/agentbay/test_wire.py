"""AgentBay's wire over the door: the form and its oddities, the envelope, the codes that scripts search for."""

import json
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from tests.waiting import until

from cove.compat.operations import ACTIONS
from cove.testing import Cove

Ask = Callable[..., dict[str, Any]]


def test_success_is_an_envelope_with_a_session(ask: Ask) -> None:
    made = ask("CreateMcpSession", ImageId="linux_latest", Labels='{"team": "blue"}', SdkStats='{"source": "sdk"}')
    assert {name: made[name] for name in ("status", "Code", "HttpStatusCode", "Success")} == {
        "status": 200,
        "Code": "ok",
        "HttpStatusCode": 200,
        "Success": True,
    }
    data = made["Data"]
    assert data["Success"] is True
    assert data["AppInstanceId"]
    assert data["ResourceId"]
    assert "resourceId=" in data["ResourceUrl"]
    assert {"name": "shell", "server": "wuying_shell"} in json.loads(data["ToolList"])


def test_session_is_taken_up_with_what_it_was_made_with(ask: Ask, session: str) -> None:
    taken = ask("GetSession", SessionId=session)["Data"]
    assert (taken["SessionId"], taken["Status"]) == (session, "RUNNING")
    assert json.loads(taken["ToolList"])


@pytest.mark.parametrize("action", sorted(set(ACTIONS) - {"CreateMcpSession", "ListSession", "ListMcpTools"}))
def test_session_that_is_not_there_is_not_found_and_no_action_is_a_defect(ask: Ask, action: str) -> None:
    answer = ask(action, SessionId="s-none", Labels='{"a": "b"}', Name="shell", Port="30100", ProtocolType="https")
    lacks = ACTIONS[action].lacks
    assert answer["status"] == 400
    assert answer["Success"] is False
    assert answer["Code"] == ("NotSupported" if lacks else "InvalidMcpSession.NotFound")
    assert (lacks or "Resource [McpSession] is not found.") in answer["Message"]


def test_another_tenants_session_is_not_found(ask: Ask, session: str, make_key: Callable[[], str]) -> None:
    other = f"Bearer {make_key()}"
    for action in ("GetSession", "GetSessionDetail", "DeleteSessionAsync", "CallMcpTool", "GetLabel"):
        answer = ask(action, Authorization=other, SessionId=session, Name="shell", Args='{"command": "true"}')
        assert answer["Code"] == "InvalidMcpSession.NotFound"
    assert ask("ListSession", Authorization=other)["Data"] == []


def test_key_is_taken_from_form_query_or_header(wire: httpx2.Client, key: str) -> None:
    shown = f"Bearer {key}"
    places: list[dict[str, Any]] = [
        {"data": {"Authorization": shown}},
        {"params": {"Authorization": shown}},
        {"params": {"BearerToken": key, "SignatureType": "BEARERTOKEN"}},
        {"headers": {"Authorization": shown}},
    ]
    for place in places:
        params = {"Action": "ListSession", **place.pop("params", {})}
        assert wire.post("/", params=params, **place).json()["Success"] is True


@pytest.mark.parametrize("shown", ["Bearer wrong", "Basic abc", "Bearer ", "Bearer", "", "\0"])
@pytest.mark.parametrize("action", ["ListSession", "NoSuchAction", ""])
def test_wrong_key_learns_nothing(ask: Ask, action: str, shown: str) -> None:
    answer = ask(action, Authorization=shown)
    assert (answer["status"], answer["Code"], answer["Success"]) == (401, "NOT_LOGIN", False)
    assert "AGENTBAY_API_KEY" in answer["Message"]


def test_parameters_are_merged_from_query_and_form_and_the_form_goes_first(
    wire: httpx2.Client, key: str, session: str
) -> None:
    query = {"Action": "GetSessionDetail", "SessionId": session, "Authorization": "Bearer wrong"}
    answer = wire.post("/", params=query, data={"Authorization": f"Bearer {key}"})
    assert answer.json()["Data"]["Status"] == "RUNNING"


def test_prefix_and_malformed_host_are_no_obstacle(wire: httpx2.Client, key: str) -> None:
    for path in ("/", "/pfx/", "/a/b"):
        answer = wire.post(
            path,
            params={"Action": "ListSession"},
            data={"Authorization": f"Bearer {key}"},
            headers={"Host": "http://127.0.0.1:18800"},
        )
        assert answer.json()["Success"] is True


def test_unknown_action_and_none_are_told(ask: Ask) -> None:
    assert ask("MakeCoffee")["Code"] == "InvalidAction.NotFound"
    assert "MakeCoffee" in ask("MakeCoffee")["Message"]
    assert ask("")["Code"] == "InvalidParameter"


def test_native_paths_stay_native(wire: httpx2.Client) -> None:
    assert wire.post("/v1/sessions", params={"Action": "ListSession"}).json()["error"]["code"] == "KeyInvalid"


@pytest.mark.parametrize(
    ("form", "idle", "life"),
    [
        ({}, 300, 1800),
        ({"Timeout": "60"}, 60, 1800),
        ({"Timeout": "2", "MaxRuntime": "30"}, 120, 1800),
        ({"ManualRelease": "True"}, 30 * 86400, 30 * 86400),
        ({"ManualRelease": "false"}, 300, 1800),
    ],
)
def test_lifetimes_come_in_odd_units(
    ask: Ask, wire: httpx2.Client, key: str, form: dict[str, str], idle: float, life: float
) -> None:
    session_id = ask("CreateMcpSession", **form)["Data"]["SessionId"]
    view = wire.get(f"/v1/sessions/{session_id}", headers={"Authorization": f"Bearer {key}"}).json()
    assert (view["idle_timeout"], view["max_lifetime"], view["on_idle"]) == (idle, life, "release")


def test_idle_session_is_released_and_then_not_found(ask: Ask, cove: Cove) -> None:
    kept, left = (ask("CreateMcpSession", Timeout="600")["Data"]["SessionId"] for _ in range(2))
    cove.pass_time(450)
    assert ask("RefreshSessionIdleTime", SessionId=kept)["Success"] is True
    assert ask("GetSession", SessionId=left)["Success"] is True
    cove.pass_time(300)
    assert ask("GetSession", SessionId=kept)["Success"] is True
    assert ask("GetSession", SessionId=left)["Code"] == "InvalidMcpSession.NotFound"
    assert ask("GetSessionDetail", SessionId=left)["Data"] == {
        "SessionId": left,
        "Status": "FINISH",
        "ImageId": "linux_latest",
        "AppInstanceId": left,
        "EndReason": "idle",
        "IsDeleted": 1,
    }


@pytest.mark.parametrize("action", ["DeleteSessionAsync", "ReleaseMcpSession"])
def test_deleted_session_is_finished_in_its_detail_only(ask: Ask, session: str, action: str) -> None:
    assert ask(action, SessionId=session)["Success"] is True
    until(lambda: ask("GetSessionDetail", SessionId=session)["Data"]["Status"] == "FINISH", "its end")
    assert ask("GetSession", SessionId=session)["Code"] == "InvalidMcpSession.NotFound"
    assert ask("ListSession")["Data"] == []
    assert ask("CallMcpTool", SessionId=session, Name="shell", AutoGenSession="False")["Success"] is False


def test_pause_and_resume_show_at_once(ask: Ask, session: str) -> None:
    assert ask("PauseSessionAsync", SessionId=session)["Success"] is True
    assert ask("GetSession", SessionId=session)["Data"]["Status"] in {"PAUSING", "PAUSED"}
    again = ask("PauseSessionAsync", SessionId=session)
    assert (again["status"], again["Code"]) == (400, "InvalidMcpSession.WrongState")
    called = ask("CallMcpTool", SessionId=session, Name="shell", Args='{"command": "true"}')
    assert called["Code"] == "InvalidMcpSession.WrongState"
    assert ask("ResumeSessionAsync", SessionId=session)["Success"] is True
    assert ask("GetSession", SessionId=session)["Data"]["Status"] in {"RESUMING", "RUNNING"}


def test_list_goes_by_labels_status_and_image_a_page_at_a_time(ask: Ask) -> None:
    made = [ask("CreateMcpSession", Labels=f'{{"n": "{n}", "all": "y"}}')["Data"]["SessionId"] for n in range(3)]
    first = ask("ListSession", Labels='{"all": "y"}', MaxResults="2")
    assert (first["TotalCount"], first["MaxResults"], len(first["Data"])) == (3, 2, 2)
    second = ask("ListSession", Labels='{"all": "y"}', MaxResults="2", NextToken=first["NextToken"])
    assert [entry["SessionId"] for entry in [*first["Data"], *second["Data"]]] == made[::-1]
    assert second["NextToken"] == ""
    assert [entry["SessionId"] for entry in ask("ListSession", Labels='{"all": "y", "n": "1"}')["Data"]] == [made[1]]
    assert ask("ListSession", Labels='{"all": "n"}')["Data"] == []
    assert ask("ListSession", Status="PAUSED")["Data"] == []
    assert len(ask("ListSession", Status="RUNNING", ImageId="linux_latest", MaxResults="1000")["Data"]) == 3
    assert ask("ListSession", ImageId="code_latest")["Data"] == []
    assert ask("ListSession", Status="DELETED")["Data"] == []


def test_labels_are_replaced_as_a_whole_and_given_as_text(ask: Ask, session: str) -> None:
    ask("SetLabel", SessionId=session, Labels='{"a": "1"}')
    ask("SetLabel", SessionId=session, Labels='{"b": "ü", "c": "3"}')
    assert json.loads(ask("GetLabel", SessionId=session)["Data"]["Labels"]) == {"b": "ü", "c": "3"}


@pytest.mark.parametrize(
    ("action", "name", "value"),
    [
        ("CreateMcpSession", "Timeout", "soon"),
        ("CreateMcpSession", "Timeout", "-1"),
        ("CreateMcpSession", "Timeout", "1" * 12),
        ("CreateMcpSession", "MaxRuntime", "1.5"),
        ("CreateMcpSession", "ManualRelease", "perhaps"),
        ("CreateMcpSession", "Labels", "{"),
        ("CreateMcpSession", "Labels", "[1]"),
        ("CreateMcpSession", "Labels", '{"a": 1}'),
        ("CreateMcpSession", "Labels", '{"a":' * 3000),
        ("CreateMcpSession", "Labels.1", "a"),
        ("CreateMcpSession", "PersistenceDataList", '"x"'),
        ("SetLabel", "Labels", "{}"),
        ("SetLabel", "Labels", '{"a": ""}'),
        ("ListSession", "MaxResults", "ten"),
        ("ListSession", "MaxResults", "0"),
        ("ListSession", "NextToken", "!!"),
        ("ListSession", "Status", "ASLEEP"),
        ("CallMcpTool", "Args", "{"),
        ("CallMcpTool", "Args", "[]"),
        ("CallMcpTool", "Args", "null"),
        ("CallMcpTool", "Args", '{"a": NaN}'),
        ("CallMcpTool", "Args", '{"a":' * 100_000),
        ("GetSession", "ContextTypes.2", "gap"),
        ("GetSession", "SessionId.1.2.3.4.5.6.7.8.9", "deep"),
        ("GetSession", "SessionId.1", "list"),
    ],
)
def test_value_that_does_not_fit_is_refused_by_name(ask: Ask, session: str, action: str, name: str, value: str) -> None:
    given = {} if name.startswith("SessionId") else {"SessionId": session}
    answer = ask(action, **given, **{name: value})
    assert (answer["status"], answer["Code"]) == (400, "InvalidParameter")
    known = {"NextToken": "cursor", "Status": "status"}.get(name, name.partition(".")[0])
    assert known.lower() in answer["Message"].lower()
    assert len(answer["Message"]) < 400


def test_field_given_whole_and_in_parts_is_refused(ask: Ask) -> None:
    assert ask("GetSession", **{"SessionId": "a", "SessionId.1": "b"})["Code"] == "InvalidParameter"


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"a=%ff", b"[]", b'{"Authorization": "x"}', b"&" * 5000, b"a&" * 2000]
)
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_body_of_the_wrong_type_is_an_error_of_the_dialect(
    wire: httpx2.Client, content: bytes, content_type: str
) -> None:
    for params in ({"Action": "ListSession"}, {}):
        answer = wire.post("/", params=params, content=content, headers={"Content-Type": content_type})
        assert answer.status_code in {400, 401}
        assert answer.json()["Success"] is False


def test_query_that_is_no_text_is_refused(wire: httpx2.Client) -> None:
    assert wire.post("/?Action=%ff").json()["Code"] == "InvalidParameter"


def test_request_line_of_200_kib_is_read(cove: Cove, key: str) -> None:
    query = f"Action=ListSession&Authorization=Bearer+{key}&Padding={'x' * 200 * 1024}"
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(cove.socket))
        line.sendall(f"POST /?{query} HTTP/1.1\r\nHost: http://127.0.0.1:1\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b'"Success":true' in answer


def test_request_line_of_two_mib_is_refused(cove: Cove) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(cove.socket))
        with suppress(OSError):
            line.sendall(b"POST /?Action=" + b"x" * 2 * 1024 * 1024)
        assert line.recv(65536).startswith(b"HTTP/1.1 400")


def test_body_may_not_be_endless(ask: Ask) -> None:
    answer = ask("ListSession", Padding="x" * 17_000_000)
    assert (answer["Code"], answer["Success"]) == ("InvalidParameter", False)


def test_request_whose_sender_went_away_does_nothing(cove: Cove, key: str, ask: Ask) -> None:
    body = f"Authorization=Bearer+{key}&Padding="
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(cove.socket))
        head = f"POST /?Action=CreateMcpSession HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body) + 9}\r\n\r\n"
        line.sendall((head + body).encode())
    assert ask("ListSession")["TotalCount"] == 0


@pytest.mark.parametrize(
    ("form", "capability"),
    [
        ({"PersistenceDataList": '[{"ContextId": "c", "Path": "/x"}]'}, "contexts"),
        ({"ContextId": "c"}, "contexts"),
        ({"NetworkId": "n-1"}, "networks"),
        ({"McpPolicyId": "p-1"}, "policies"),
        ({"EnableRecord": "True"}, "browser"),
        ({"LoadSkill": "True", "Skills": '["a"]'}, "skills"),
        ({"Skills": '["a"]'}, "skills"),
        ({"ExtraConfigs.Mobile.LockResolution": "True"}, "mobile"),
    ],
)
def test_session_that_would_lack_something_is_not_made(ask: Ask, form: dict[str, str], capability: str) -> None:
    answer = ask("CreateMcpSession", **form)
    assert (answer["Code"], answer["status"]) == ("NotSupported", 400)
    assert capability in answer["Message"]
    assert ask("ListSession")["TotalCount"] == 0


def test_what_asks_for_nothing_is_no_hindrance(ask: Ask) -> None:
    nothing = {"PersistenceDataList": "[]", "Skills": "[]", "LoadSkill": "False", "EnableRecord": "false"}
    told = {"LoginRegionId": "cn-hangzhou", "SdkStats": '{"source": "sdk"}', "McpPolicyId": ""}
    assert ask("CreateMcpSession", **nothing, **told)["Success"] is True


def test_tool_is_called_and_its_failure_is_a_result(ask: Ask, session: str) -> None:
    called = ask("CallMcpTool", SessionId=session, Name="shell", Args='{"command": "echo hi"}', Server="")
    assert called["Data"]["isError"] is False
    assert json.loads(called["Data"]["content"][0]["text"])["stdout"] == "hi\n"
    for name, args in (("read_file", '{"path": "/no/such"}'), ("teleport", "{}"), ("shell", '{"command": 5}')):
        failed = ask("CallMcpTool", SessionId=session, Name=name, Args=args)
        assert (failed["Success"], failed["Data"]["isError"]) == (True, True)
        assert failed["Data"]["content"][0]["text"]


@pytest.mark.parametrize(("tool", "capability"), [("run_code", "code"), ("click_mouse", "desktop"), ("tap", "mobile")])
def test_tool_that_is_not_built_names_its_capability(ask: Ask, session: str, tool: str, capability: str) -> None:
    data = ask("CallMcpTool", SessionId=session, Name=tool, Args="{}")["Data"]
    assert data["isError"] is True
    assert f"the capability '{capability}' is not supported here" in data["content"][0]["text"]


def test_tools_are_listed_as_text_with_their_schemas(ask: Ask) -> None:
    tools = json.loads(ask("ListMcpTools", ImageId="linux_latest")["Data"])
    assert tools[0]["name"] == "get_metrics"
    assert all(tool["inputSchema"]["type"] == "object" and tool["server"] and tool["description"] for tool in tools)
    assert ask("ListMcpTools", ImageId="no_such")["Code"] == "InvalidImage.NotFound"


def test_information_names_the_session_and_where_it_is_looked_at(ask: Ask, session: str) -> None:
    data = ask("GetMcpResource", SessionId=session)["Data"]
    assert data["SessionId"] == data["DesktopInfo"]["AppId"] == session
    assert "resourceId=" in data["ResourceUrl"]


@pytest.mark.parametrize("port", ["30099", "30200", "30150.5", "x", "-1", "0", "\uff19"])
def test_wrong_port_is_told_in_the_words_that_scripts_look_for(ask: Ask, session: str, port: str) -> None:
    answer = ask("GetLink", SessionId=session, ProtocolType="https", Port=port)
    expected = f"Invalid port value: {port}. Port must be an integer in the range [30100, 30199]."
    assert (answer["status"], answer["Message"]) == (400, expected)


def test_link_of_plain_http_or_without_a_port_is_refused_in_the_clouds_words(ask: Ask, session: str) -> None:
    assert "http not supported" in ask("GetLink", SessionId=session, ProtocolType="http", Port="30100")["Message"]
    assert "only BrowserUse image support cdp" in ask("GetLink", SessionId=session)["Message"]
