"""A session from its making to its end, as AGB's client sees it."""

import time
from typing import Any

import pytest
from tests.contract.agb.conftest import Make
from tests.contract.agb.making import IMAGE, Maker
from tests.contract.agb.words import command, files, good, refused
from tests.contract.clients import AGB, ENOUGH, for_each
from tests.waiting import until

KEPT = 12
"""Seconds of idleness for a session that is kept alive all the time, by a test that may have to wait for its turn."""


@for_each(*AGB, since="0.12")
def test_session_has_all_that_a_script_works_with(session: Any) -> None:
    assert session.session_id == session.get_session_id()
    assert session.app_instance_id
    assert session.resource_id
    assert "resourceId=" in session.resource_url
    assert session.image_id == IMAGE
    assert session.token == session.get_token() != ""
    assert session.link_url == session.get_link_url()
    assert session.link_url.startswith("http://")
    servers = {tool.name: tool.server for tool in session.tool_list}
    assert servers["shell"] == "wuying_shell"
    assert all(servers.values())


@for_each(*AGB, until="0.2.2")
def test_first_generation_makes_a_session_with_and_without_an_image(make: Make, cloud: Any) -> None:
    with_image, without = make(), make(image_id=None)
    assert with_image.session_id != without.session_id
    assert "resourceId=" in without.resource_url
    assert {each.session_id for each in cloud.list()} == {with_image.session_id, without.session_id}


@for_each(*AGB, since="0.12")
def test_session_is_taken_up_by_its_id(session: Any, cloud: Any) -> None:
    good(session.file.write("/tmp/taken", "up"))
    taken = good(session.agb.get(session.session_id)).session
    for name in ("session_id", "resource_url", "app_instance_id", "resource_id", "link_url", "ws_url", "token"):
        assert getattr(taken, name) == getattr(session, name)
    assert [tool.name for tool in taken.tool_list] == [tool.name for tool in session.tool_list]
    assert good(taken.file.read("/tmp/taken")).content == "up"
    refused(cloud.get(session.session_id), "not found")


@for_each(*AGB, since="0.12")
def test_session_is_looked_at(session: Any) -> None:
    found = good(session.agb.get_session(session.session_id))
    assert (found.http_status_code, found.code) == (200, "ok")
    assert (found.data.session_id, found.data.status, found.data.success) == (session.session_id, "RUNNING", True)
    status = good(session.get_status())
    assert (status.http_status_code, status.code, status.status) == (200, "ok", "RUNNING")


@for_each(*AGB)
def test_session_tells_where_it_is_looked_at(session: Any) -> None:
    facts = good(session.info()).data
    assert facts["session_id"] == session.session_id
    assert facts["resource_url"] == session.resource_url
    assert facts["resource_id"]
    assert facts["app_id"]
    assert {"resource_type", "ticket", "auth_code", "connection_properties"} <= facts.keys()


@for_each(*AGB, since="0.12")
@pytest.mark.parametrize("by_itself", [True, False])
def test_deleted_session_is_gone(make: Make, cloud: Any, by_itself: bool) -> None:
    session = make(labels={"gone": "soon"})
    good(session.delete() if by_itself else cloud.delete(session))
    assert session.get_status().status == "FINISH"
    refused(cloud.get(session.session_id), "not found")
    assert good(cloud.list({"gone": "soon"})).session_ids == []
    refused(session.command.execute("true"), "not found")
    refused(cloud.delete(session), "InvalidMcpSession.NotFound")
    session.link_url = ""
    refused(session.command.execute("true"), "not found")


@for_each(*AGB, until="0.2.2")
def test_session_of_the_first_generation_is_gone_when_it_is_deleted(make: Make, cloud: Any) -> None:
    session = make()
    good(cloud.delete(session))
    assert cloud.list() == []
    refused(session.command.execute_command("true"), "not found")
    refused(session.info())
    refused(cloud.delete(session), "not found")


@for_each(*AGB, since="0.12")
def test_deletion_that_would_keep_storage_first_deletes_where_there_is_none(make: Make) -> None:
    session = make()
    good(session.delete(sync_context=True))
    assert session.get_status().status == "FINISH"


@for_each(*AGB)
def test_image_that_is_not_there_is_refused_by_its_name(maker: Maker) -> None:
    refused(maker.cloud.create(maker.wish(image_id="no-such-image")), "no-such-image")


@for_each(*AGB, since="0.12")
@pytest.mark.parametrize("image_id", ["agb-code-space-2", "agb-browser-use-1", "agb-computer-use-ubuntu-2204"])
def test_images_of_this_cloud_are_served(make: Make, image_id: str) -> None:
    session = make(image_id=image_id)
    assert good(session.command.execute("uname", timeout_ms=ENOUGH)).output == "Linux\n"
    assert good(session.list_mcp_tools()).tools


@for_each(*AGB, since="0.12")
def test_unused_session_is_released_and_one_that_is_kept_alive_is_not(make: Make) -> None:
    begun = time.monotonic()
    left, kept = make(idle_release_timeout=4), make(idle_release_timeout=KEPT)
    outlived = time.monotonic() + KEPT + 3  # so long after it would have been released
    gone_after: list[float] = []

    def is_over() -> bool:
        good(kept.keep_alive())
        if not gone_after and left.get_status().status == "FINISH":
            gone_after.append(time.monotonic() - begun)
        return time.monotonic() > outlived and bool(gone_after)

    until(is_over, "the session that nobody uses is released, and the other would be")
    assert gone_after[0] > 4
    assert good(kept.get_status()).status == "RUNNING"


@for_each(*AGB, since="0.12")
@pytest.mark.parametrize("timeout", [-1, 10**12])
def test_lifetime_that_makes_no_sense_is_refused(maker: Maker, timeout: int) -> None:
    refused(maker.cloud.create(maker.wish(idle_release_timeout=timeout)), "timeout")


@for_each(*AGB)
def test_paused_session_refuses_tools_until_it_goes_on(make: Make, maker: Maker) -> None:
    session = make()
    good(files(session).write("/tmp/kept", "through"))
    assert maker.ask("/mcp/pauseSessionAsync", session.session_id)["success"]
    until(lambda: maker.status(session) == "PAUSED", "the pause")
    refused(command(session).execute("true"), "PAUSED")
    assert maker.ask("/mcp/resumeSessionAsync", session.session_id)["success"]
    until(lambda: maker.status(session) == "RUNNING", "the resumption")
    assert good(files(session).read("/tmp/kept")).content == "through"


@for_each(*AGB, since="0.12")
def test_session_that_would_lack_a_part_of_the_wish_is_refused_by_the_capability(maker: Maker) -> None:
    find = maker.place.process(maker.client).find
    storage = find("agb.context_sync:ContextSync")("c", "/x", find("agb.context_sync:SyncPolicy")())
    browser = find("agb.session_params:BrowserContext")("c")
    refused(maker.cloud.create(maker.wish(context_syncs=[storage])), "'contexts'")
    refused(maker.cloud.create(maker.wish(browser_context=browser)), "'contexts'")
    refused(maker.cloud.create(maker.wish(policy_id="p")), "'policies'")
    assert good(maker.cloud.list()).session_ids == []
