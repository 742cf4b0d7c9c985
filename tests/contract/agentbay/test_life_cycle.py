"""A session from its making to its end, and what clients learn about it."""

from collections.abc import Callable
from typing import Any

from tests.contract.agentbay.words import ids
from tests.contract.clients import ENOUGH, for_each

Make = Callable[..., Any]


@for_each()
def test_session_lives_until_it_is_deleted(cloud: Any) -> None:
    made = cloud.create()
    assert made.success, made
    assert made.request_id
    session = made.session
    assert session.session_id
    found = cloud.get(session.session_id)
    assert found.success, found
    assert found.session.session_id == session.session_id
    deleted = session.delete()
    assert deleted.success, deleted
    assert deleted.request_id
    gone = cloud.get(session.session_id)
    assert not gone.success
    assert "not found" in gone.error_message, gone


@for_each()
def test_session_is_deleted_through_the_cloud(cloud: Any, make: Make) -> None:
    session = make()
    deleted = cloud.delete(session)
    assert deleted.success, deleted
    assert ids(cloud.list()) == []


@for_each()
def test_another_client_takes_a_session_up(cloud: Any, start: Any, key: str, make: Make) -> None:
    session = make(labels={"who": "first"})
    assert session.command.execute_command("echo kept > /tmp/kept", ENOUGH).success
    again = start(key).get(session.session_id)
    assert again.success, again
    assert again.session.command.execute_command("cat /tmp/kept", ENOUGH).output == "kept\n"
    assert again.session.get_labels().data == {"who": "first"}
    assert again.session.delete().success
    assert not cloud.get(session.session_id).success


@for_each()
def test_facts_about_a_session_are_told(make: Make) -> None:
    session = make()
    told = session.info()
    assert told.success, told
    assert told.request_id
    assert told.data.session_id == session.session_id
    assert f"resourceId={told.data.resource_id}" in told.data.resource_url
    assert told.data.app_id


@for_each(since="0.15.2")
def test_status_is_told_to_the_end_and_after_it(make: Make) -> None:
    session = make()
    told = session.get_status()
    assert (told.success, told.status, told.code, told.http_status_code) == (True, "RUNNING", "ok", 200), told
    assert session.delete().success
    told = session.get_status()
    assert (told.success, told.status) == (True, "FINISH"), told


@for_each(since="0.19.0")
def test_recovered_session_has_all_that_tools_need(cloud: Any, make: Make) -> None:
    session = make()
    found = cloud.get(session.session_id).session
    assert found.link_url == session.link_url
    assert found.token == session.token
    assert len(found.mcpTools) == len(session.mcpTools) > 0
    assert found.resource_url == session.resource_url


@for_each()
def test_unknown_image_is_refused_by_name(cloud: Any, wish: Make) -> None:
    made = cloud.create(wish(image_id="no-such-image"))
    assert not made.success
    assert "no-such-image" in made.error_message, made


@for_each()
def test_get_of_nothing_fails(cloud: Any) -> None:
    for session_id in ("s-none", "../x", "ü", "x" * 5000):
        assert not cloud.get(session_id).success
    assert not cloud.get("").success


@for_each(since="0.13.1")
def test_sessions_are_made_and_deleted_at_once(cloud: Any) -> None:
    made = cloud.create.at_once((), (), (), ())
    assert all(one.success for one in made), made
    wanted = {one.session.session_id for one in made}
    assert set(ids(cloud.list())) == wanted
    deleted = cloud.delete.at_once(*((one.session,) for one in made))
    assert all(one.success for one in deleted), deleted
    assert ids(cloud.list()) == []


@for_each()
def test_session_is_deleted_with_its_contexts_synchronized_though_it_has_none(cloud: Any, make: Make) -> None:
    assert make().delete(sync_context=True).success
    assert cloud.delete(make(), sync_context=True).success
    assert ids(cloud.list()) == []
