"""What lies unused: paused and woken, or released where that was asked; and what comes in between."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing

import httpx2
import pytest
from tests.server.held import Held
from tests.waiting import until

from cove.testing import Cove, running_cove
from cove.testing.cove import Clock

Connect = Callable[[Cove], httpx2.Client]
LONG = 600
"""Seconds, against which the true time between two lines of a test is nothing; a session lives three times as long."""
_LOOKS = 5
"""How often a sweep asks for the time until it releases an idle session."""


def _make(http: httpx2.Client, **wish: object) -> str:
    return http.post("/v1/sessions", json={"idle_timeout": LONG, **wish}).raise_for_status().json()["session_id"]


def _view(http: httpx2.Client, session: str) -> dict[str, object]:
    return http.get(f"/v1/sessions/{session}").json()


def _shell(http: httpx2.Client, session: str, command: str) -> httpx2.Response:
    return http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": {"command": command}})


def test_many_calls_at_once_wake_a_session_once(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http)
    cove.pass_time(1.2 * LONG)
    held = Held(cove, "resume")
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(_shell, http, session, f"echo {number}") for number in range(8)]
        held.await_begun()
        held.let_go()
        said = [call.result(60).json()["structured"]["stdout"] for call in calls]
    assert said == [f"{number}\n" for number in range(8)]
    assert held.begun.count("resume") == 1


def test_call_that_comes_while_idleness_pauses_is_answered(http: httpx2.Client, cove: Cove, connect: Connect) -> None:
    session = _make(http)
    held = Held(cove, "pause")
    with ThreadPoolExecutor(2) as threads, connect(cove) as other:
        sweep = threads.submit(cove.pass_time, 1.2 * LONG)
        held.await_begun()
        call = threads.submit(_shell, other, session, "echo awake")
        held.let_go()
        assert call.result(60).json()["structured"]["stdout"] == "awake\n"
        sweep.result(60)
    assert _view(http, session)["state"] == "RUNNING"


def test_metrics_tool_reads_a_sleeping_session_without_waking_it(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http)
    cove.pass_time(1.2 * LONG)
    assert http.post(f"/v1/sessions/{session}/tools/get_metrics", json={}).status_code == 200
    assert _view(http, session)["state"] == "PAUSED"


def test_wake_that_fails_says_so_and_the_next_call_tries_again(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http)
    cove.pass_time(1.2 * LONG)

    async def fail(operation: str, _: str) -> None:
        if operation == "resume":
            raise OSError("no thaw today")

    async def work(_operation: str, _session: str) -> None:
        return

    cove.driver.before = fail
    assert _shell(http, session, "true").status_code == 500
    assert (_view(http, session)["state"], _view(http, session)["idle_paused"]) == ("PAUSED", True)
    cove.driver.before = work
    assert _shell(http, session, "echo awake").json()["structured"]["stdout"] == "awake\n"


def test_idle_session_is_released_where_that_was_asked(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http, on_idle="release")
    cove.pass_time(0.5 * LONG)
    assert _view(http, session)["state"] == "RUNNING"
    cove.pass_time(LONG)
    assert (_view(http, session)["state"], _view(http, session)["end_reason"]) == ("FINISH", "idle")
    assert cove.run(cove.driver.known()) == set()


def test_session_in_use_is_not_released(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http, on_idle="release")
    for _ in range(3):
        cove.pass_time(0.7 * LONG)
        http.post(f"/v1/sessions/{session}/keep-alive").raise_for_status()
    assert _view(http, session)["state"] == "RUNNING"


class Counted(Clock):
    """A clock that knows how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        return super().__call__()


def test_whoever_is_told_that_a_session_is_kept_keeps_it(connect: Connect) -> None:
    clock = Counted()
    with running_cove(clock=clock) as cove, connect(cove) as http, ThreadPoolExecutor(2) as threads:
        session = _make(http, on_idle="release")
        with closing(sqlite3.connect(cove.directory / "cove.db", isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")  # the release cannot be written down yet
            asked = clock.asked
            sweep = threads.submit(cove.pass_time, 1.2 * LONG)
            until(lambda: clock.asked >= asked + _LOOKS, "the sweep found it idle")
            kept = threads.submit(http.post, f"/v1/sessions/{session}/keep-alive")
            wait([kept], timeout=1)  # no answer is right, too: it is not known yet
        sweep.result(60)
        is_kept = kept.result(60).is_success
        assert is_kept == (_view(http, session)["state"] == "RUNNING")


def test_call_during_a_release_is_told_that_the_session_is_gone(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http, on_idle="release")
    held = Held(cove, "destroy")
    with ThreadPoolExecutor(1) as threads:
        sweep = threads.submit(cove.pass_time, 1.2 * LONG)
        held.await_begun()
        assert _shell(http, session, "true").json()["error"]["code"] == "SessionNotFound"
        held.let_go()
        sweep.result(60)


@pytest.mark.parametrize("on_idle", ["pause", "release"])
def test_idleness_leaves_alone_what_somebody_paused(http: httpx2.Client, cove: Cove, on_idle: str) -> None:
    session = _make(http, on_idle=on_idle)
    http.post(f"/v1/sessions/{session}/pause").raise_for_status()
    cove.pass_time(1.2 * LONG)
    view = _view(http, session)
    assert (view["state"], view["idle_paused"], view["on_idle"]) == ("PAUSED", False, on_idle)


def test_unknown_wish_for_idleness_is_refused(http: httpx2.Client) -> None:
    answer = http.post("/v1/sessions", json={"on_idle": "sleep"})
    assert (answer.status_code, answer.json()["error"]["facts"]["name"]) == (400, "on_idle")
