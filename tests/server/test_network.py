"""What a session may reach, as the server keeps it: asked for, changed, told to the node, and found again."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from cove.core.errors import SandboxFailed
from cove.core.network import NetworkPolicy
from cove.testing import Cove, running_cove

Connect = Callable[[Cove], httpx2.Client]
OPEN = {"mode": "open", "allow": [], "deny": []}
RULES = {"mode": "rules", "allow": ["a.test:80-90"], "deny": ["192.0.2.0/24"]}


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cove-", dir="/tmp") as path:
        yield Path(path)


def create(http: httpx2.Client, **wish: Any) -> str:
    return str(http.post("/v1/sessions", json=wish).raise_for_status().json()["session_id"])


def network_of(http: httpx2.Client, session: str) -> Any:
    return http.get(f"/v1/sessions/{session}/network").raise_for_status().json()["network"]


@pytest.mark.parametrize(
    ("wish", "policy"), [({}, OPEN), ({"network": "none"}, OPEN | {"mode": "none"}), ({"network": RULES}, RULES)]
)
def test_session_has_the_policy_it_was_made_with(http: httpx2.Client, cove: Cove, wish: Any, policy: Any) -> None:
    session = create(http, **wish)
    assert network_of(http, session) == policy
    assert http.get(f"/v1/sessions/{session}").json()["network"] == policy
    assert cove.driver.networks[session].mode == policy["mode"]  # type: ignore[index] # ids are text


def test_change_is_told_to_the_node_and_kept(http: httpx2.Client, cove: Cove, session: str) -> None:
    for network, policy in ((RULES, RULES), ("none", OPEN | {"mode": "none"}), ({"deny": ["b.test"]}, None)):
        answer = http.put(f"/v1/sessions/{session}/network", json={"network": network})
        expected = policy or OPEN | {"deny": ["b.test"]}
        assert (answer.status_code, answer.json()["network"]) == (200, expected)
        assert network_of(http, session) == expected
    told = cove.driver.networks[session]  # type: ignore[index] # ids are text
    assert told == NetworkPolicy(deny=("b.test",))


def test_policy_that_cannot_be_read_is_refused_with_the_entry_and_changes_nothing(
    http: httpx2.Client, session: str
) -> None:
    for network in ({"mode": "rules", "allow": ["http://a.test"]}, "shut", {"mode": "none", "allow": ["a.test"]}):
        for answer in (
            http.put(f"/v1/sessions/{session}/network", json={"network": network}),
            http.post("/v1/sessions", json={"network": network}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidNetwork")
    assert network_of(http, session) == OPEN


def test_change_that_the_node_fails_at_is_durable_and_told_again_by_the_next_server(
    directory: Path, connect: Connect
) -> None:
    async def fail(operation: str, _: object) -> None:
        if operation == "set_network":
            raise SandboxFailed(reason="told to")

    with running_cove(directory) as cove, connect(cove) as http:
        session = create(http)
        cove.driver.before = fail
        answer = http.put(f"/v1/sessions/{session}/network", json={"network": "none"})
        assert answer.json()["error"]["code"] == "SandboxFailed"
    with running_cove(directory) as cove, connect(cove) as http:
        assert network_of(http, session)["mode"] == "none"
        assert cove.driver.networks[session].mode == "none"  # type: ignore[index] # ids are text


def test_adopted_session_is_given_its_network_and_one_that_cannot_be_is_served_in_all_else(
    directory: Path, connect: Connect
) -> None:
    with running_cove(directory) as cove, connect(cove) as http:
        one, other = create(http, network="none"), create(http, network=RULES)
    with running_cove(directory) as cove, connect(cove) as http:
        assert {each: cove.driver.networks[each].mode for each in (one, other)} == {one: "none", other: "rules"}  # type: ignore[index]
        assert http.post(f"/v1/sessions/{one}/tools/shell", json={"arguments": {"command": "true"}}).status_code == 200


def test_paused_session_can_be_changed_and_ended_one_cannot(http: httpx2.Client, session: str) -> None:
    http.post(f"/v1/sessions/{session}/pause").raise_for_status()
    assert http.put(f"/v1/sessions/{session}/network", json={"network": "none"}).status_code == 200
    http.delete(f"/v1/sessions/{session}").raise_for_status()
    for answer in (
        http.get(f"/v1/sessions/{session}/network"),
        http.put(f"/v1/sessions/{session}/network", json={"network": "open"}),
        http.get(f"/v1/sessions/{session}/network/log"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SessionNotFound")


def test_log_of_a_session_without_connections_is_empty(http: httpx2.Client, session: str) -> None:
    assert http.get(f"/v1/sessions/{session}/network/log").json() == {"connections": [], "after": 0}
    assert http.get(f"/v1/sessions/{session}/network/log", params={"after": -5}).json()["after"] == 0
    assert http.get(f"/v1/sessions/{session}/network/log", params={"after": "x"}).status_code == 400
