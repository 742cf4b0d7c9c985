"""What time does to a session: idleness pauses it, a call wakes it, its lifetime ends it."""

import threading

import httpx2
from tests.asking import at_socket
from tests.server.held import Held

from cove.core.session import EndReason
from cove.testing import Cove

LONG = 600
"""Seconds, against which the true time between two lines of a test is nothing; a session lives three times as long."""


def _make(http: httpx2.Client, **wish: float) -> str:
    return http.post("/v1/sessions", json=wish).raise_for_status().json()["session_id"]


def _view(http: httpx2.Client, session: str) -> dict[str, object]:
    return http.get(f"/v1/sessions/{session}").json()


def _shell(http: httpx2.Client, session: str, command: str) -> httpx2.Response:
    return http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": {"command": command}})


def test_idle_session_is_paused_and_the_next_call_wakes_it(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http, idle_timeout=LONG)
    cove.pass_time(1.2 * LONG)
    assert _view(http, session)["state"] == "PAUSED"
    assert _shell(http, session, "echo awake").json()["structured"]["stdout"] == "awake\n"
    assert _view(http, session)["state"] == "RUNNING"


def test_reads_do_not_count_as_use_but_calls_and_keep_alive_do(http: httpx2.Client, cove: Cove) -> None:
    looked_at, called, kept = (_make(http, idle_timeout=LONG) for _ in range(3))
    cove.pass_time(0.7 * LONG)
    assert http.get(f"/v1/sessions/{looked_at}/metrics").status_code == 200
    assert _shell(http, called, "true").status_code == 200
    assert http.post(f"/v1/sessions/{kept}/keep-alive").status_code == 204
    cove.pass_time(0.7 * LONG)
    states = [_view(http, session)["state"] for session in (looked_at, called, kept)]
    assert states == ["PAUSED", "RUNNING", "RUNNING"]


def test_session_that_is_being_deleted_cannot_be_kept_alive(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http)
    held = Held(cove, "destroy")
    assert http.delete(f"/v1/sessions/{session}", params={"wait": "false"}).is_success
    held.await_begun()
    assert http.post(f"/v1/sessions/{session}/keep-alive").json()["error"]["code"] == "SessionNotFound"
    held.let_go()


def test_call_in_flight_keeps_a_session_from_being_idle(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http, idle_timeout=LONG)
    held = Held(cove, "call")
    call = threading.Thread(target=_shell, args=(http, session, "true"))
    call.start()
    held.await_begun()
    cove.pass_time(1.2 * LONG)
    with at_socket(cove.socket, headers=http.headers) as other:
        assert other.get(f"/v1/sessions/{session}").json()["state"] == "RUNNING"
    held.let_go()
    call.join(60)
    cove.pass_time(1.2 * LONG)
    assert _view(http, session)["state"] == "PAUSED"


def test_session_that_somebody_paused_is_not_woken_by_a_call(http: httpx2.Client, cove: Cove) -> None:
    session = _make(http, idle_timeout=LONG)
    cove.pass_time(1.2 * LONG)
    assert http.post(f"/v1/sessions/{session}/pause").json()["state"] == "PAUSED"
    assert _shell(http, session, "true").json()["error"]["code"] == "SessionPaused"


def test_lifetime_ends_a_session_also_while_it_is_paused(http: httpx2.Client, cove: Cove) -> None:
    running, paused, other = (
        _make(http, max_lifetime=LONG),
        _make(http, max_lifetime=LONG),
        _make(http, idle_timeout=LONG * 2),
    )
    http.post(f"/v1/sessions/{paused}/pause")
    cove.pass_time(1.2 * LONG)
    for session in (running, paused):
        assert _view(http, session)["state"] == "FINISH"
        assert _view(http, session)["end_reason"] == "lifetime"
        assert _shell(http, session, "true").json()["error"]["code"] == "SessionNotFound"
    assert _view(http, other)["state"] == "RUNNING"


def test_lost_session_says_why_it_ended(http: httpx2.Client, cove: Cove, session: str) -> None:
    cove.lose(session, EndReason.OOM)
    http.delete(f"/v1/sessions/{session}").raise_for_status()  # waits for the end that is under way
    assert _view(http, session)["end_reason"] == "oom"


def test_ended_session_is_forgotten_after_its_time(http: httpx2.Client, cove: Cove, session: str) -> None:
    http.delete(f"/v1/sessions/{session}")
    cove.pass_time(6 * 86400)
    assert _view(http, session)["state"] == "FINISH"
    cove.pass_time(2 * 86400)
    assert http.get(f"/v1/sessions/{session}").status_code == 404
