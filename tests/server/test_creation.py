"""One wish, one session: the same create key, the same labels, asked for again or by many at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from tests.server.held import Held

from cove.testing import Cove

Connect = Callable[[Cove], httpx2.Client]
LABELS = {"task": "build", "team": "blue"}
LONG = 600
"""Seconds, against which the true time between two lines of a test is nothing; a session lives three times as long."""


def _create(http: httpx2.Client, key: str | None = None, **wish: object) -> httpx2.Response:
    return http.post("/v1/sessions", json=wish, headers={"Idempotency-Key": key} if key else {})


def _reuse(http: httpx2.Client, **wish: object) -> dict[str, object]:
    return _create(http, **{"labels": LABELS, "reuse": True, **wish}).raise_for_status().json()


def test_create_key_gives_the_first_session_again_whatever_became_of_its_labels(http: httpx2.Client) -> None:
    first = _create(http, "k", labels=LABELS).json()["session_id"]
    http.put(f"/v1/sessions/{first}/labels", json={"labels": {"other": "one"}}).raise_for_status()
    assert _create(http, "k", labels=LABELS).json()["session_id"] == first


@pytest.mark.parametrize(
    ("field", "other"),
    [("limits", {"cpus": 1}), ("idle_timeout", 7), ("max_lifetime", 7), ("on_idle", "release")],
)
def test_create_key_with_other_parameters_is_refused(http: httpx2.Client, field: str, other: object) -> None:
    first = _create(http, "k").json()["session_id"]
    refused = _create(http, "k", **{field: other})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CreateKeyReused")
    assert refused.json()["error"]["facts"] == {"key": "k", "session_id": first, "field": field}


def test_create_key_of_another_tenant_is_another_key(http: httpx2.Client, cove: Cove) -> None:
    secret = http.post("/v1/keys", json={"tenant": "blue"}).json()["secret"]
    first = _create(http, "k").json()["session_id"]
    own = http.post("/v1/sessions", json={}, headers={"Idempotency-Key": "k", "Authorization": f"Bearer {secret}"})
    assert own.json()["session_id"] != first


def test_creation_that_failed_frees_its_key_for_whoever_waited_too(http: httpx2.Client, cove: Cove) -> None:
    failed, entered, leave = threading.Event(), threading.Event(), threading.Event()

    async def before(operation: str, _: str) -> None:
        if operation == "create" and not failed.is_set():
            failed.set()
            entered.set()
            await cove.wait(leave)
            raise OSError("not today")

    cove.driver.before = before
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(_create, http, "k")
        assert entered.wait(30)
        second = threads.submit(_create, http, "k")
        leave.set()
        assert first.result(60).status_code == 500
        assert second.result(60).json()["state"] == "RUNNING"


def test_session_is_found_by_its_labels_or_made(http: httpx2.Client) -> None:
    made = _reuse(http)
    assert _reuse(http)["session_id"] == made["session_id"]
    assert _reuse(http, labels={"task": "build"})["session_id"] == made["session_id"]
    assert _reuse(http, labels={**LABELS, "more": "x"})["session_id"] != made["session_id"]


def test_oldest_of_several_is_found(http: httpx2.Client) -> None:
    first, _ = [_create(http, labels=LABELS).json()["session_id"] for _ in range(2)]
    assert _reuse(http)["session_id"] == first


def test_image_that_is_named_must_fit(http: httpx2.Client) -> None:
    made = _reuse(http, image_id="linux_latest")
    assert _reuse(http)["session_id"] == made["session_id"]
    assert _reuse(http, image_id="code_latest")["session_id"] != made["session_id"]


def test_many_at_once_get_one_session(http: httpx2.Client) -> None:
    with ThreadPoolExecutor(10) as threads:
        found = list(threads.map(lambda _: _reuse(http), range(10)))
    assert {view["session_id"] for view in found} == {found[0]["session_id"]}
    assert {view["state"] for view in found} == {"RUNNING"}
    assert http.get("/v1/sessions").json()["total"] == 1


def test_ended_session_is_not_found(http: httpx2.Client) -> None:
    made = _reuse(http)["session_id"]
    http.delete(f"/v1/sessions/{made}").raise_for_status()
    assert _reuse(http)["session_id"] != made


def test_session_that_ends_while_it_is_found_is_made_anew(http: httpx2.Client, cove: Cove) -> None:
    made = _reuse(http)["session_id"]
    held = Held(cove, "destroy")
    with ThreadPoolExecutor(2) as threads:
        end = threads.submit(http.delete, f"/v1/sessions/{made}")
        held.await_begun()
        again = threads.submit(_reuse, http)
        held.let_go()
        assert again.result(60)["session_id"] != made
        assert end.result(60).json()["state"] == "FINISH"


def test_finding_counts_as_a_use(http: httpx2.Client, cove: Cove) -> None:
    made = _reuse(http, idle_timeout=LONG, on_idle="release")["session_id"]
    for _ in range(3):
        cove.pass_time(0.7 * LONG)
        assert _reuse(http)["session_id"] == made


def test_session_found_asleep_wakes_on_its_next_call(http: httpx2.Client, cove: Cove) -> None:
    made = _reuse(http, idle_timeout=LONG)["session_id"]
    cove.pass_time(1.2 * LONG)
    assert _reuse(http)["session_id"] == made
    call = http.post(f"/v1/sessions/{made}/tools/shell", json={"arguments": {"command": "echo awake"}})
    assert call.json()["structured"]["stdout"] == "awake\n"


def test_tenant_finds_only_its_own(http: httpx2.Client) -> None:
    secret = http.post("/v1/keys", json={"tenant": "blue"}).json()["secret"]
    made = _reuse(http)["session_id"]
    headers = {"Authorization": f"Bearer {secret}"}
    own = http.post("/v1/sessions", json={"labels": LABELS, "reuse": True}, headers=headers).json()["session_id"]
    assert own != made
    assert _reuse(http)["session_id"] == made


def test_repeated_request_gives_what_the_first_one_made_or_found(http: httpx2.Client) -> None:
    made = _create(http, "k", labels=LABELS, reuse=True).json()["session_id"]
    assert _create(http, "k", labels=LABELS, reuse=True).json()["session_id"] == made
    http.delete(f"/v1/sessions/{made}").raise_for_status()
    assert _create(http, "k", labels=LABELS, reuse=True).json()["session_id"] != made


@pytest.mark.parametrize("labels", [None, {}])
def test_reuse_wants_labels(http: httpx2.Client, labels: object) -> None:
    refused = _create(http, labels=labels, reuse=True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "InvalidLabels")
