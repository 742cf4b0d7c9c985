"""Sessions as agentbay-lite finds them, synchronous and not; what it makes wants a browser, which is told by name."""

from typing import Any

import pytest
from tests.contract.clients import LITE, Client, for_each
from tests.contract.far import RaisedError
from tests.contract.lite.conftest import SecurePlace
from tests.waiting import until

import cove

EACH = for_each(*LITE)


def ids(found: list[Any]) -> list[str]:
    return [each.session_id for each in found]


def raised(call: Any, *args: Any, **kwargs: Any) -> RaisedError:
    """What the client raises."""
    with pytest.raises(RaisedError) as told:
        call(*args, **kwargs)
    return told.value


@EACH
def test_sessions_are_listed_by_labels_state_and_number(cloud: Any, native: cove.AgentBay) -> None:
    assert cloud.sessions.list() == []
    made = [native.create(cove.CreateSessionParams(labels={"n": str(n), "all": "y"})).unwrap() for n in range(3)]
    newest_first = [session.session_id for session in made[::-1]]
    assert ids(cloud.sessions.list()) == newest_first
    assert ids(cloud.sessions.list(labels={"all": "y", "n": "1"})) == [made[1].session_id]
    assert ids(cloud.sessions.list(labels={"n": "3"})) == []
    assert ids(cloud.sessions.list(max_results=2)) == newest_first[:2]
    made[0].pause().unwrap()
    assert ids(cloud.sessions.list(status="PAUSED")) == [made[0].session_id]
    assert {each.session_id: each.status for each in cloud.sessions.list()} == {
        made[0].session_id: "closed",
        made[1].session_id: "active",
        made[2].session_id: "active",
    }


@EACH
def test_session_is_looked_at(cloud: Any, native: cove.AgentBay) -> None:
    session = native.create().unwrap()
    found = cloud.sessions.get(session.session_id)
    assert (found.session_id, found.status) == (session.session_id, "active")
    assert found.metadata["AppInstanceId"]
    assert found.metadata["EndReason"] == ""
    session.pause().unwrap()
    assert cloud.sessions.get(session.session_id).status == "closed"


@EACH
def test_session_is_deleted_and_deleting_it_again_is_no_fault(cloud: Any, native: cove.AgentBay) -> None:
    session_id = native.create().unwrap().session_id
    cloud.sessions.delete(session_id)
    until(lambda: cloud.sessions.get(session_id).status == "FINISH", "its end")
    assert cloud.sessions.list() == []
    cloud.sessions.delete(session_id)
    cloud.sessions.delete("s-none")


@EACH
def test_session_that_is_not_there_is_not_found(cloud: Any, place: SecurePlace) -> None:
    with place.native(place.make_key()) as stranger:
        other = stranger.create().unwrap()
        for session_id in ("s-none", "", other.session_id):
            assert "SessionNotFoundError" in raised(cloud.sessions.get, session_id).kinds
        cloud.sessions.delete(other.session_id)
        assert other.get_status().unwrap() == "RUNNING"
        other.delete().unwrap()


@EACH
@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"image_id": "linux_latest", "labels": {"a": "b"}, "idle_release_timeout": 60},
        {"browser_mode": "stealth", "browser_option": {"useStealth": True}},
    ],
    ids=["plain", "image", "option"],
)
def test_browser_of_a_new_session_is_refused_by_name_and_no_session_is_left(cloud: Any, wish: dict[str, Any]) -> None:
    told = raised(cloud.sessions.create, **wish)
    assert "ProviderError" in told.kinds
    assert "'browser'" in told.text
    until(lambda: cloud.sessions.list() == [], "the end of the session without a browser")


@EACH
def test_storage_of_a_new_session_is_refused_by_name_and_none_is_made(
    cloud: Any, client: Client, place: SecurePlace, native: cove.AgentBay
) -> None:
    context = place.process(client).find("ContextAttach")(context_id="c")
    told = raised(cloud.sessions.create, context=context)
    assert "ProviderError" in told.kinds
    assert "'contexts'" in told.text
    assert native.list(status="FINISH").unwrap() == []


@EACH
@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"image_id": "no-such"}, "no-such"),
        ({"idle_release_timeout": -1}, "Timeout"),
        ({"policy_id": "p"}, "'policies'"),
    ],
)
def test_wish_that_cannot_be_is_refused_by_name(cloud: Any, wish: dict[str, Any], said: str) -> None:
    assert said in raised(cloud.sessions.create, **wish).text
    assert cloud.sessions.list() == []


@EACH
def test_wrong_key_is_told_by_the_name_of_its_variable(place: SecurePlace, client: Client) -> None:
    stranger = place.process(client).find(client.entry)("wrong")
    for call in (stranger.sessions.list, stranger.sessions.create):
        told = raised(call)
        assert "AuthenticationError" in told.kinds
        assert "AGENTBAY_API_KEY" in told.text
    assert "AuthenticationError" in raised(stranger.sessions.get, "s-none").kinds
    assert "AuthenticationError" in raised(stranger.sessions.delete, "s-none").kinds


@EACH
def test_state_that_is_none_is_refused_by_name(cloud: Any) -> None:
    assert "SLEEPING" in raised(cloud.sessions.list, status="SLEEPING").text
    assert "MaxResults" in raised(cloud.sessions.list, max_results=0).text
