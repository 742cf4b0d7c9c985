"""Labels, and sessions found by them, by state and by image, page by page."""

from collections.abc import Callable
from typing import Any

from tests.contract.agentbay.words import ids, refusal
from tests.contract.clients import for_each

Make = Callable[..., Any]


@for_each()
def test_labels_are_replaced_as_a_whole(make: Make) -> None:
    session = make(labels={"a": "ü v", "b": "2"})
    assert session.get_labels().data == {"a": "ü v", "b": "2"}
    changed = session.set_labels({"c": 'quoted " \\ 世界'})
    assert changed.success, changed
    assert session.get_labels().data == {"c": 'quoted " \\ 世界'}


@for_each()
def test_session_without_labels_has_none(make: Make) -> None:
    told = make().get_labels()
    assert told.success, told
    assert not told.data


@for_each()
def test_sessions_are_found_by_all_of_the_labels(cloud: Any, make: Make) -> None:
    blue = make(labels={"team": "blue", "n": "1"}).session_id
    also = make(labels={"team": "blue", "n": "2"}).session_id
    make(labels={"team": "red", "n": "1"})
    assert set(ids(cloud.list(labels={"team": "blue"}))) == {blue, also}
    assert ids(cloud.list(labels={"team": "blue", "n": "1"})) == [blue]
    assert ids(cloud.list(labels={"team": "blue", "n": "3"})) == []
    assert ids(cloud.list(labels={"absent": "x"})) == []
    assert len(ids(cloud.list())) == len(ids(cloud.list(labels={}))) == 3


@for_each(until="0.9.3")
def test_first_clients_list_by_labels_alone(cloud: Any, make: Make) -> None:
    session = make(labels={"team": "blue"})
    assert ids(cloud.list_by_labels({"team": "blue"})) == [session.session_id]


@for_each()
def test_pages_hold_every_session_once(cloud: Any, make: Make) -> None:
    wanted = [make().session_id for _ in range(5)]
    pages = [cloud.list(page=number, limit=2) for number in (1, 2, 3)]
    assert [page.total_count for page in pages] == [5, 5, 5]
    assert [page.max_results for page in pages] == [2, 2, 2]
    assert [bool(page.next_token) for page in pages] == [True, True, False]
    assert [one for page in pages for one in ids(page)] == wanted[::-1]


@for_each()
def test_page_after_the_last_is_refused(cloud: Any, make: Make) -> None:
    make()
    for number in (2, 0, -1):
        page = cloud.list(page=number, limit=2)
        assert not page.success, page
        assert page.error_message


@for_each(since="0.15.2")
def test_sessions_are_found_by_state(cloud: Any, make: Make) -> None:
    session = make()
    assert session.beta_pause().success
    running = make()
    assert ids(cloud.list(status="PAUSED")) == [session.session_id]
    assert ids(cloud.list(status="RUNNING")) == [running.session_id]
    assert ids(cloud.list(status="DELETING")) == []
    assert not cloud.list(status="SLEEPY").success
    listed = {entry["sessionId"]: entry["sessionStatus"] for entry in cloud.list().session_ids}
    assert listed == {session.session_id: "PAUSED", running.session_id: "RUNNING"}


@for_each(since="0.15.2")
def test_ended_sessions_are_listed_where_they_are_asked_for(cloud: Any, make: Make) -> None:
    ended, _ = make(), make()
    assert ended.delete().success
    (entry,) = cloud.list(status="DELETED").session_ids
    assert (entry["sessionId"], entry["sessionStatus"]) == (ended.session_id, "DELETED")


@for_each(since="0.22.0")
def test_sessions_are_found_by_image(cloud: Any, make: Make) -> None:
    code, linux = make(image_id="code_latest"), make(image_id="linux_latest")
    assert ids(cloud.list(image_id="code_latest")) == [code.session_id]
    assert ids(cloud.list(image_id="linux_latest")) == [linux.session_id]
    assert ids(cloud.list(image_id="other")) == []
    assert {entry["imageId"] for entry in cloud.list().session_ids} == {"code_latest", "linux_latest"}


@for_each()
def test_labels_that_are_none_are_refused(make: Make) -> None:
    session = make(labels={"a": "b"})
    for labels in ({"": "x"}, {"a": ""}, {}):
        assert refusal(session.set_labels, labels), labels
    assert session.get_labels().data == {"a": "b"}


@for_each()
def test_labels_of_an_ended_session_are_refused(make: Make) -> None:
    session = make()
    assert session.delete().success
    assert refusal(session.set_labels, {"a": "b"})
    assert refusal(session.get_labels)


@for_each()
def test_more_labels_than_a_session_may_have_are_refused(cloud: Any, wish: Make) -> None:
    for labels in ({f"k{n}": "v" for n in range(1000)}, {"k": "v" * 100_000}):
        made = cloud.create(wish(labels=labels))
        assert not made.success
        assert "label" in made.error_message, made
