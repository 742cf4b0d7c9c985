"""When there is no room: who is refused, in which words, and that nobody waits or loses anything by it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from tests.server.held import Held

from cove.core.errors import MachineFull
from cove.core.limits import GIB, MIB
from cove.testing import Cove, running_cove

Connect = Callable[[Cove], httpx2.Client]


def _create(http: httpx2.Client, **wish: object) -> httpx2.Response:
    return http.post("/v1/sessions", json=wish)


def _refusal(answer: httpx2.Response) -> tuple[int, str, int]:
    """Its status, its code, and the seconds after which to ask again."""
    return answer.status_code, answer.json()["error"]["code"], int(answer.headers.get("retry-after", "-1"))


def test_full_slots_are_told_with_a_time_to_ask_again(connect: Connect) -> None:
    with running_cove(slots=1) as cove, connect(cove) as http:
        first = _create(http).json()["session_id"]
        full = _create(http)
        assert _refusal(full) == (503, "TooManySessions", 5)
        assert full.json()["error"]["retryable"] is True
        http.delete(f"/v1/sessions/{first}")
        assert _create(http).status_code == 201


def test_memory_kept_back_is_given_to_nobody_new(http: httpx2.Client, cove: Cove) -> None:
    cove.driver.memory = 100 * MIB
    full = _create(http)
    assert _refusal(full) == (503, "MemoryReserved", 5)
    assert "cove session delete" in full.json()["error"]["message"]
    cove.driver.memory = GIB
    assert _create(http).status_code == 201


def test_sessions_being_made_count_for_what_they_will_take(connect: Connect) -> None:
    with running_cove(memory_reserve_bytes=0) as cove, connect(cove) as http, ThreadPoolExecutor(2) as threads:
        held = Held(cove, "create")
        cove.driver.memory = 150 * MIB
        making = [threads.submit(_create, http) for _ in range(2)]
        held.await_begun(2)
        assert _refusal(_create(http)) == (503, "MemoryReserved", 5)
        held.let_go()
        assert [made.result(60).status_code for made in making] == [201, 201]


def test_too_many_in_the_making_are_refused_at_once(connect: Connect) -> None:
    with running_cove(most_creating=1) as cove, connect(cove) as http, ThreadPoolExecutor(1) as threads:
        held = Held(cove, "create")
        making = threads.submit(_create, http)
        held.await_begun()
        assert _refusal(_create(http)) == (503, "MachineFull", 5)
        held.let_go()
        assert making.result(60).status_code == 201


def test_machine_that_fills_up_while_a_session_is_made_leaves_nothing(http: httpx2.Client, cove: Cove) -> None:
    async def full(operation: str, _: str) -> None:
        if operation == "create":
            raise MachineFull(reason="No space left on device")

    cove.driver.before = full
    assert _refusal(_create(http)) == (503, "MachineFull", 5)
    assert http.get("/v1/sessions").json()["total"] == 0
    assert cove.run(cove.driver.known()) == set()


def test_creation_that_takes_too_long_is_given_up(connect: Connect) -> None:
    with running_cove(create_seconds=0.05) as cove, connect(cove) as http:
        held = Held(cove, "create")
        late = _create(http)
        held.let_go()
        assert (late.status_code, late.json()["error"]["code"]) == (502, "SandboxNotCreated")
        assert http.get("/v1/sessions").json()["total"] == 0


def _quota(http: httpx2.Client, tenant: str, **quota: float) -> dict[str, object]:
    return http.put(f"/v1/quotas/{tenant}", json=quota).raise_for_status().json()


def test_quota_refuses_one_session_more_and_names_what_clears_it(http: httpx2.Client, tenant: httpx2.Client) -> None:
    _quota(http, "blue", sessions=1)
    first = _create(tenant).json()["session_id"]
    refused = _create(tenant)
    assert _refusal(refused) == (429, "QuotaExceeded", 5)
    assert refused.json()["error"]["facts"] == {
        "tenant": "blue",
        "what": "sessions",
        "used": 1,
        "limit": 1,
        "wanted": 1,
    }
    assert "`cove session delete ID`" in refused.json()["error"]["message"]
    assert _create(http).status_code == 201  # another tenant's room is its own
    tenant.delete(f"/v1/sessions/{first}")
    assert _create(tenant).status_code == 201


@pytest.mark.parametrize(
    ("what", "limit", "limits"),
    [("memory_bytes", 3 * GIB, {"memory_bytes": 2 * GIB}), ("cpus", 3.5, {"cpus": 2})],
)
def test_quota_counts_what_sessions_may_use(
    http: httpx2.Client, tenant: httpx2.Client, what: str, limit: float, limits: dict[str, float]
) -> None:
    _quota(http, "blue", **{what: limit})
    assert _create(tenant, limits=limits).status_code == 201
    assert _create(tenant, limits=limits).json()["error"]["facts"]["what"] == what
    assert _create(tenant, limits={what: limits[what] // 2}).status_code == 201


def test_paused_session_still_counts(http: httpx2.Client, tenant: httpx2.Client) -> None:
    _quota(http, "blue", sessions=1)
    session = _create(tenant).json()["session_id"]
    tenant.post(f"/v1/sessions/{session}/pause").raise_for_status()
    assert _refusal(_create(tenant))[1] == "QuotaExceeded"


def test_quota_of_everybody_is_for_those_who_have_none(http: httpx2.Client, tenant: httpx2.Client) -> None:
    _quota(http, "*", sessions=0)
    assert _create(tenant).status_code == 429
    _quota(http, "blue", sessions=1)
    assert _create(tenant).status_code == 201
    http.delete("/v1/quotas/blue").raise_for_status()
    assert _create(tenant).status_code == 429
    http.delete("/v1/quotas/*").raise_for_status()
    assert _create(tenant).status_code == 201


def test_many_at_once_do_not_get_past_a_quota(http: httpx2.Client, tenant: httpx2.Client) -> None:
    _quota(http, "blue", sessions=3)
    with ThreadPoolExecutor(8) as threads:
        statuses = [answer.status_code for answer in threads.map(lambda _: _create(tenant), range(8))]
    assert sorted(statuses) == [201] * 3 + [429] * 5


def test_quotas_are_shown_beside_what_is_used(http: httpx2.Client, tenant: httpx2.Client) -> None:
    _quota(http, "blue", sessions=4)
    _create(tenant, limits={"memory_bytes": GIB, "cpus": 0.5})
    _create(http)
    blue = {
        "tenant": "blue",
        "quota": {"sessions": 4, "memory_bytes": None, "cpus": None},
        "used": {"sessions": 1, "memory_bytes": GIB, "cpus": 0.5},
    }
    assert tenant.get("/v1/quotas").json() == {"quotas": [blue]}
    shown = http.get("/v1/quotas").json()["quotas"]
    assert [one["tenant"] for one in shown] == ["blue", "local"]
    assert shown[0] == blue


def test_tenant_may_not_set_a_quota(tenant: httpx2.Client) -> None:
    for answer in (tenant.put("/v1/quotas/blue", json={}), tenant.delete("/v1/quotas/blue")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "OperatorOnly")


@pytest.mark.parametrize("quota", [{"sessions": -1}, {"sessions": 1.5}, {"cpus": "two"}, {"size": 1}])
def test_quota_that_is_none_is_refused(http: httpx2.Client, quota: dict[str, object]) -> None:
    assert http.put("/v1/quotas/blue", json=quota).status_code == 400


def test_everybody_is_no_tenant_of_a_key(http: httpx2.Client) -> None:
    assert http.post("/v1/keys", json={"tenant": "*"}).json()["error"]["facts"]["name"] == "tenant"


def test_request_beyond_those_that_can_be_answered_is_refused_at_once(connect: Connect) -> None:
    with running_cove(most_requests=1) as cove, connect(cove) as http, ThreadPoolExecutor(1) as threads:
        held = Held(cove, "create")
        making = threads.submit(_create, http)
        held.await_begun()
        refused = http.get("/v1/sessions")
        assert _refusal(refused) == (503, "TooManyRequests", 1)
        assert http.get("/healthz").status_code == 200
        held.let_go()
        assert making.result(60).status_code == 201
        assert http.get("/v1/sessions").status_code == 200


def test_machines_own_users_come_in_when_too_much_is_asked(connect: Connect) -> None:
    with running_cove(most_requests=0, trusted_uids=frozenset({os.geteuid()})) as cove, connect(cove) as http:
        assert _refusal(http.get("/v1/sessions")) == (503, "TooManyRequests", 1)
        assert http.get("/v1/sessions", headers={"Authorization": ""}).status_code == 200
