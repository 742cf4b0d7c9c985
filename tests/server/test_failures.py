"""What goes wrong underneath: the answer says it, the row says it, and nothing is left behind."""

import contextlib
import threading
from collections.abc import Callable

import httpx2
import pytest

from cove.core.errors import SandboxFailed, SandboxNotCreated
from cove.testing import Cove, running_cove


def _failing(operation: str, error: Exception, times: int = 1) -> Callable[..., object]:
    left = [error] * times

    async def before(what: str, _: str) -> None:
        if what == operation and left:
            raise left.pop()

    return before


def test_failed_creation_is_told_and_leaves_nothing(http: httpx2.Client, cove: Cove) -> None:
    cove.driver.before = _failing("create", SandboxNotCreated(step="mount", reason="no overlay"))
    answer = http.post("/v1/sessions", json={}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "SandboxNotCreated")
    assert http.get("/v1/sessions?status=FAILED").json()["sessions"][0]["end_reason"] == "failed"
    assert cove.run(cove.driver.known()) == set()
    assert http.post("/v1/sessions", json={}, headers={"Idempotency-Key": "k"}).json()["state"] == "RUNNING"


def test_defect_is_answered_with_the_request_id_under_which_it_is_logged(
    http: httpx2.Client, cove: Cove, caplog: pytest.LogCaptureFixture
) -> None:
    cove.driver.before = _failing("create", ZeroDivisionError("a defect"))
    answer = http.post("/v1/sessions?secret=query", json={})
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "InternalError")
    assert "ZeroDivisionError" not in answer.text
    logged = caplog.text
    assert "ZeroDivisionError" in logged
    assert answer.headers["x-request-id"] in logged
    assert "secret=query" not in logged


@pytest.mark.parametrize(("operation", "stays"), [("pause", "RUNNING"), ("resume", "PAUSED")])
def test_move_that_does_not_take_goes_back(
    http: httpx2.Client, cove: Cove, session: str, operation: str, stays: str
) -> None:
    if operation == "resume":
        http.post(f"/v1/sessions/{session}/pause").raise_for_status()
    cove.driver.before = _failing(operation, SandboxFailed(reason="the freezer said no"))
    answer = http.post(f"/v1/sessions/{session}/{operation}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (502, "the freezer said no")
    assert http.get(f"/v1/sessions/{session}").json()["state"] == stays
    assert http.post(f"/v1/sessions/{session}/{operation}").status_code == 200


def test_deletion_that_fails_is_tried_again_by_itself(http: httpx2.Client, cove: Cove, session: str) -> None:
    cove.driver.before = _failing("destroy", SandboxFailed(reason="a mount is busy"))
    assert http.delete(f"/v1/sessions/{session}").status_code == 502
    assert http.get(f"/v1/sessions/{session}").json()["state"] == "DELETING"
    cove.pass_time(1)
    assert http.get(f"/v1/sessions/{session}").json()["state"] == "FINISH"


def test_moves_can_be_started_without_waiting(http: httpx2.Client, cove: Cove, session: str) -> None:
    leave = threading.Event()

    async def before(_operation: str, _session: str) -> None:
        await cove.wait(leave)

    for move, state in [("pause", "PAUSING"), ("resume", "RESUMING")]:
        leave.clear()
        cove.driver.before = before
        assert http.post(f"/v1/sessions/{session}/{move}?wait=false").json()["state"] == state
        leave.set()
        with contextlib.suppress(httpx2.HTTPError):
            http.put(f"/v1/sessions/{session}/labels", json={"labels": {"waits": "for the lock"}})
    leave.clear()
    assert http.delete(f"/v1/sessions/{session}?wait=false").json()["state"] == "DELETING"
    leave.set()
    assert http.delete(f"/v1/sessions/{session}").json()["state"] == "FINISH"


def test_new_sessions_are_refused_when_the_disk_is_down_to_the_reserve(
    connect: Callable[[Cove], httpx2.Client],
) -> None:
    with running_cove(reserve_bytes=1 << 60) as cove, connect(cove) as http:
        answer = http.post("/v1/sessions", json={})
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DiskReserved")
        assert answer.json()["error"]["retryable"] is True


def test_reserve_lies_beside_the_database(connect: Callable[[Cove], httpx2.Client]) -> None:
    with running_cove(reserve_bytes=1 << 20) as cove, connect(cove) as http:
        assert not (cove.directory / "reserve").exists()
        cove.pass_time(1)
        assert (cove.directory / "reserve").stat().st_blocks * 512 >= 1 << 20
        assert http.post("/v1/sessions", json={}).status_code == 201


def test_repeated_creation_is_answered_also_when_there_is_no_more_room(
    connect: Callable[[Cove], httpx2.Client],
) -> None:
    with running_cove(slots=1) as cove, connect(cove) as http:
        first, again = (http.post("/v1/sessions", json={}, headers={"Idempotency-Key": "k"}) for _ in range(2))
        assert first.json() == again.json()
