"""A session's own doors: LinkUrl, API mode, and the first generation's address within a network."""

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import httpx2
from tests.contract.agentbay.words import refusal
from tests.contract.clients import ENOUGH, for_each
from tests.contract.conftest import API_MODE_IMAGE, Place

Make = Callable[..., Any]


@for_each(since="0.15.2")
def test_session_has_a_link_url_and_one_of_an_image_in_api_mode_has_none(make: Make) -> None:
    linked, plain = make(), make(image_id=API_MODE_IMAGE)
    assert linked.link_url.startswith("http")
    assert linked.token
    assert plain.link_url == ""
    assert {tool.name for tool in linked.mcpTools} == {tool.name for tool in plain.mcpTools}
    assert plain.command.run("echo hi").stdout == linked.command.run("echo hi").stdout == "hi\n"


@for_each(since="0.15.2")
def test_deprecated_ways_to_the_doors_still_lead_there(make: Make) -> None:
    session = make()
    assert session.get_link_url() == session.getLinkUrl() == session.link_url
    assert session.get_token() == session.getToken() == session.token


@for_each(since="0.15.2")
def test_token_of_one_session_opens_no_other(make: Make) -> None:
    mine, others = make(), make()
    mine.token = others.token
    said = refusal(mine.command.run, "echo in")
    assert "403" in said or "401" in said, said
    mine.token = "made-up"
    assert "40" in refusal(mine.command.run, "echo in")


@for_each(since="0.15.2")
def test_command_may_take_longer_than_the_api_waits_for_its_answer(
    place: Place, key: str, process: Any, make: Make
) -> None:
    linked, direct = make(), make(image_id=API_MODE_IMAGE)
    config = process.find("Config")(endpoint=place.url, timeout_ms=1000)
    linked.agent_bay = direct.agent_bay = process.find(process.client.entry)(api_key=key, cfg=config)
    assert linked.command.run("sleep 2; echo done", timeout_ms=ENOUGH).stdout == "done\n"
    assert refusal(direct.command.run, "sleep 15; echo done", timeout_ms=ENOUGH)


@for_each(until="0.13.1")
def test_session_in_a_network_says_where_it_is(make: Make) -> None:
    session = make(is_vpc=True)
    told = _network(session)
    assert told["is_vpc"] is True
    query = {
        "server": "wuying_shell",
        "tool": "shell",
        "args": '{"command": "echo hi"}',
        "token": told["token"],
        "requestId": "vpc-1",
    }
    url = f"http://{told['ip']}:{told['port']}/callTool?{urllib.parse.urlencode(query)}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        called = json.loads(answer.read())
    assert called["isError"] is False
    assert json.loads(called["content"][0]["text"])["stdout"] == "hi\n"


def _network(session: Any) -> dict[str, Any]:
    """What the first generations know of a session's place in a network; later their methods became private."""
    prefix = "" if session.has("is_vpc_enabled") else "_"
    names = {
        "is_vpc": "is_vpc_enabled",
        "ip": "get_network_interface_ip",
        "port": "get_http_port",
        "token": "get_token",
    }
    return {key: getattr(session, f"{prefix}{name}")() for key, name in names.items()}


@for_each(until="0.13.1")
def test_session_that_asked_for_no_network_is_in_none(make: Make) -> None:
    assert _network(make())["is_vpc"] is False


@for_each(until="0.13.1")
def test_session_in_a_network_is_taken_up_there(cloud: Any, make: Make) -> None:
    session = make(is_vpc=True)
    again = cloud.get(session.session_id).session
    assert again.command.execute_command("echo again", ENOUGH).success


@for_each(until="0.13.1")
def test_token_within_a_network_opens_no_other_session(make: Make) -> None:
    mine, others = _network(make(is_vpc=True)), _network(make(is_vpc=True))
    query = {"server": "wuying_shell", "tool": "shell", "args": '{"command": "echo in"}', "requestId": "vpc-1"}
    for token in (others["token"], "made-up", ""):
        url = f"http://{mine['ip']}:{mine['port']}/callTool"
        answer = httpx2.get(url, params={**query, "token": token}, trust_env=False, timeout=60)
        assert answer.status_code in {401, 403, 421}, answer.text
