"""What a client shows where it may not, or where Cove does not do yet what it asks."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.agentbay.words import ids, refusal
from tests.contract.clients import ENOUGH, Client, for_each

Make = Callable[..., Any]
Start = Callable[[str], Any]


@pytest.mark.parametrize("key", ["akm-wrong", "cove_" + "x" * 40, "x" * 3000], ids=["foreign", "unknown", "long"])
@for_each()
def test_wrong_key_is_refused_by_its_name(start: Start, key: str) -> None:
    cloud = start(key)
    for said in (refusal(cloud.create), refusal(cloud.list), refusal(cloud.get, "s-x")):
        assert "AGENTBAY_API_KEY" in said or "NOT_LOGIN" in said
        assert "x" * 40 not in said


@for_each()
def test_sessions_of_other_tenants_are_as_if_they_were_not(start: Start, make: Make, place: Any) -> None:
    session = make(labels={"a": "b"})
    stranger = start(place.make_key())
    assert "not found" in refusal(stranger.get, session.session_id)
    assert ids(stranger.list()) == ids(stranger.list(labels={"a": "b"})) == []
    session.agent_bay.api_key = stranger.api_key  # the stranger's key with the owner's session
    for method, args in (
        (session.info, ()),
        (session.get_labels, ()),
        (session.set_labels, ({"c": "d"},)),
        (session.get_link, ("https", 30100)),
    ):
        assert "NotFound" in refusal(method, *args) or "not found" in refusal(method, *args)


@for_each()
def test_ended_session_is_told_as_not_found(make: Make) -> None:
    session = make()
    assert session.delete().success
    for method, args in (
        (session.info, ()),
        (session.get_labels, ()),
        (session.set_labels, ({"c": "d"},)),
        (session.command.execute_command, ("true", ENOUGH)),
        (session.file_system.read_file, ("/etc/hostname",)),
        (session.file_system.write_file, ("/tmp/x", "y")),
    ):
        said = refusal(method, *args)
        assert "NotFound" in said or "not found" in said, said


@for_each(since="0.19.0")
def test_deleted_session_is_not_made_anew_by_a_call(make: Make) -> None:
    session = make(image_id="code_latest")
    assert session.delete().success
    assert "NotFound" in refusal(session.call_mcp_tool, "shell", {"command": "true"}, auto_gen_session=False)


@for_each()
def test_contexts_name_themselves(cloud: Any, make: Make) -> None:
    session = make()
    for method, args in (
        (cloud.context.get, ("x", True)),
        (cloud.context.list, ()),
        (cloud.context.create, ("x",)),
        (session.context.info, ()),
        (session.context.sync, ()),
    ):
        assert "contexts" in refusal(method, *args)


@for_each(since="0.15.2")
def test_networks_name_themselves(cloud: Any, wish: Make) -> None:
    assert "network" in refusal(cloud.beta_network.get_network_bind_token)
    assert "network" in refusal(cloud.beta_network.describe, "n-1")
    assert "network" in refusal(lambda: cloud.create(wish(beta_network_id="n-1")))


@for_each(since="0.19.0")
def test_skills_name_themselves(cloud: Any, wish: Make) -> None:
    assert "skills" in refusal(lambda: cloud.create(wish(load_skills=True)))


@for_each(since="0.13.1")
def test_session_with_contexts_is_refused_rather_than_made_without(cloud: Any, wish: Make, process: Any) -> None:
    sync = process.find("ContextSync")("SdkCtx-1", "/tmp/data")
    assert "contexts" in refusal(lambda: cloud.create(wish(context_syncs=[sync])))
    assert ids(cloud.list()) == []


@for_each(since="0.13.1")
def test_file_transfer_names_what_it_lacks(make: Make, process: Any) -> None:
    session = make()
    for method, args in (
        (session.file_system.upload_file, ("/etc/hostname", "/tmp/h")),
        (session.file_system.download_file, ("/etc/hostname", "here")),
    ):
        assert "contexts" in refusal(method, *args)


@for_each(since="0.15.2")
def test_desktop_and_phone_name_themselves(make: Make) -> None:
    session = make()
    assert "desktop" in refusal(session.computer.click_mouse, 1, 2)
    assert "desktop" in refusal(session.computer.get_screen_size)
    assert "mobile" in refusal(session.mobile.tap, 1, 2) or "desktop" in refusal(session.mobile.tap, 1, 2)


@for_each(since="0.15.2")
def test_browser_is_not_there(make: Make, process: Any) -> None:
    session = make()
    assert session.browser.initialize(process.find("BrowserOption")()) is False
    assert "not initialized" in refusal(session.browser.get_endpoint_url)


@for_each()
def test_no_key_is_the_clients_own_refusal(client: Client, process: Any) -> None:
    process.find("os:environ.pop")(client.key_variable, None)
    assert "ValueError" in refusal(process.find(client.entry))


@for_each(since="0.15.2")
def test_object_storage_and_agents_name_themselves(make: Make) -> None:
    session = make()
    assert "object storage" in refusal(session.oss.env_init, "id", "secret", "token")
    assert "agents" in refusal(session.agent.computer.execute_task, "a task")


@for_each(since="0.19.0")
def test_streamed_code_names_itself(make: Make) -> None:
    assert "code" in refusal(make().code.run_code, "print(1)", "python", stream_beta=True)


@for_each(since="0.20.0")
def test_terminals_name_themselves(make: Make) -> None:
    session = make()
    assert "terminals" in refusal(session.pty.create)
    assert "terminals" in refusal(session.pty.list)
    assert session.command.run("echo on").stdout == "on\n"
