"""kill -9 of each process there is: the server, the launcher, a guest, a sandbox's first process."""

import os
import signal
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx2
import pytest
from tests.waiting import until
from tests.world import children, command_of, is_alive

from cove import AgentBay
from cove.core.errors import TransportFailed

from .running import Cove

LONG = "echo x >>~/runs; echo >~/begun; until [ -e ~/go ]; do sleep 0.02; done; cat ~/runs"


def test_sessions_live_on_when_the_server_is_killed(cove: Cove) -> None:
    cove.start()
    running, paused = cove.create(), cove.create()
    for session in (running, paused):
        cove.start_counting(session)
    cove.ask("POST", f"/sessions/{paused}/pause?wait=true")
    before, stopped_at = cove.counted(running), cove.counted(paused)
    cove.kill()
    until(lambda: len(cove.counted(running)) > len(before) + 2, "it counts without a server")
    cove.start()
    assert (cove.state(running), cove.state(paused)) == ("RUNNING", "PAUSED")
    assert cove.counted(paused) == stopped_at
    cove.assert_counts_on(running, before)
    cove.ask("POST", f"/sessions/{paused}/resume?wait=true")
    cove.assert_counts_on(paused, stopped_at)
    cove.assert_truth()
    cove.end_all()


def test_call_in_flight_ends_with_a_retryable_error_when_the_server_is_killed(cove: Cove) -> None:
    cove.start()
    session = cove.create()
    with AgentBay(endpoint=f"unix://{cove.socket}") as bay, ThreadPoolExecutor(1) as pool:
        handle = bay.get(session).unwrap()
        call = pool.submit(handle.command.execute_command, LONG, 600_000)
        until(lambda: cove.look(session, "/home/wuying/begun"), "the command has begun")
        cove.kill()
        with pytest.raises(TransportFailed) as failure:
            call.result(timeout=60)
    assert failure.value.retryable
    assert "unix://" in str(failure.value)
    cove.start()
    cove.shell(session, "touch ~/go")
    cove.end_all()


def test_result_of_a_call_survives_the_server_under_its_call_id(cove: Cove) -> None:
    cove.start()
    session = cove.create()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(cove.shell, session, LONG, "the call")
        until(lambda: cove.look(session, "/home/wuying/begun"), "the command has begun")
        cove.kill()
        with pytest.raises(httpx2.TransportError):
            call.result(timeout=60)
    cove.start()
    cove.shell(session, "touch ~/go")
    assert cove.shell(session, LONG, "the call") == "x\n"  # it ran once
    assert cove.shell(session, LONG, "the call") == "x\n"
    cove.end_all()


def test_launcher_is_started_again_when_it_is_killed(cove: Cove) -> None:
    cove.start()
    first = cove.create()
    cove.start_counting(first)
    killed, before = cove.launcher(), cove.counted(first)
    os.kill(killed, signal.SIGKILL)
    until(lambda: not is_alive(killed), "the launcher is dead")
    cove.create()
    assert cove.launcher() != killed
    cove.assert_counts_on(first, before)
    cove.assert_truth()
    cove.end_all()


def test_launcher_killed_during_a_burst_costs_no_session_that_was_answered(cove: Cove) -> None:
    cove.start()
    cove.create()
    killed = cove.launcher()
    with ThreadPoolExecutor(8) as pool:
        burst = [pool.submit(try_to_create, cove) for _ in range(8)]
        until(lambda: len(cove.rows()) > 3, "the burst has begun")
        os.kill(killed, signal.SIGKILL)
        answered = {session for task in burst if (session := task.result(timeout=60))}
    assert answered <= set(cove.living())
    until(lambda: not is_alive(killed), "the launcher is dead")
    cove.create()  # the burst may have been over by then
    cove.assert_truth()
    assert cove.launcher() != killed
    cove.end_all()


@pytest.mark.parametrize("nth", [1, 4, 8])
def test_server_and_launcher_killed_during_a_burst_leave_nothing(cove: Cove, nth: int) -> None:
    cove.start(die_at=f"create.row:{nth + 1}")
    beside = cove.create()
    cove.start_counting(beside)
    before, launcher = cove.counted(beside), cove.launcher()
    with ThreadPoolExecutor(10) as pool:
        burst = [pool.submit(try_to_create, cove) for _ in range(10)]
        cove.await_death()
        kill_if_alive(launcher)
        answered = {session for task in burst if (session := task.result(timeout=60))}
    cove.start()
    assert {beside, *answered} <= set(cove.living())
    assert {row["state"] for row in cove.rows().values()} <= {"RUNNING", "FAILED"}
    cove.assert_counts_on(beside, before)
    cove.assert_truth()
    cove.end_all()


def test_killed_guest_starts_again_beside_its_processes(cove: Cove) -> None:
    cove.start()
    session = cove.create()
    cove.start_counting(session)
    cove.ask(
        "POST",
        f"/sessions/{session}/tools/set_env",
        {"arguments": {"envs": [{"key": "KEPT", "value": "still here"}]}},
    )
    before, guest = cove.counted(session), guest_of(cove, session)
    os.kill(guest, signal.SIGKILL)
    until(lambda: not is_alive(guest), "the guest is dead")
    assert cove.shell(session, "echo $KEPT") == "still here\n"
    cove.assert_counts_on(session, before)
    cove.assert_truth()
    cove.end_all()


def test_call_in_flight_ends_with_a_retryable_error_when_the_guest_is_killed(cove: Cove) -> None:
    cove.start()
    session = cove.create()
    with cove.http() as client, ThreadPoolExecutor(1) as pool:
        path = f"/v1/sessions/{session}/tools/shell"
        call = pool.submit(client.post, path, json={"arguments": {"command": LONG, "timeout_ms": 600_000}})
        until(lambda: cove.look(session, "/home/wuying/begun"), "the command has begun")
        os.kill(guest_of(cove, session), signal.SIGKILL)
        error = call.result(timeout=60).json()["error"]
    assert (error["code"], error["retryable"]) == ("GuestMisbehaved", True)
    assert session in error["message"]
    cove.assert_truth()
    cove.end_all()


@pytest.mark.parametrize("state", ["RUNNING", "PAUSED"])
def test_session_ends_when_its_first_process_is_killed(cove: Cove, state: str) -> None:
    cove.start()
    beside, session = cove.create(), cove.create()
    cove.start_counting(session)
    if state == "PAUSED":
        cove.ask("POST", f"/sessions/{session}/pause?wait=true")
    os.kill(cove.first_process(session), signal.SIGKILL)
    until(lambda: cove.state(session) == "FINISH", "the session has ended")
    assert cove.ask("GET", f"/sessions/{session}")["end_reason"] == "lost"
    assert set(cove.living()) == {beside}
    cove.assert_truth()
    cove.end_all()


def test_session_whose_first_process_died_without_a_server_has_ended_at_the_next_start(cove: Cove) -> None:
    cove.start()
    session = cove.create()
    cove.start_counting(session)
    first = cove.first_process(session)
    cove.kill()
    os.kill(first, signal.SIGKILL)
    until(lambda: not is_alive(first), "it is dead")
    cove.start()
    found = cove.ask("GET", f"/sessions/{session}")
    assert (found["state"], found["end_reason"]) == ("FINISH", "lost")
    cove.assert_truth()
    cove.end_all()


def test_sessions_of_before_a_reboot_have_ended_with_that_reason(cove: Cove) -> None:
    cove.start()
    running, paused = cove.create(), cove.create()
    cove.ask("POST", f"/sessions/{paused}/pause?wait=true")
    cove.kill()
    with closing(sqlite3.connect(cove.data / "cove.db")) as database, database:
        database.execute("UPDATE sessions SET sandbox = json_set(sandbox, '$.boot_id', 'another run of the machine')")
    cove.start()
    for session in (running, paused):
        found = cove.ask("GET", f"/sessions/{session}")
        assert (found["state"], found["end_reason"]) == ("FINISH", "reboot")
    cove.assert_nothing_left()
    cove.end_all()


def try_to_create(cove: Cove) -> str | None:
    """A session, or None where the server or the launcher is killed meanwhile."""
    try:
        with cove.http() as client:
            reply = client.post("/v1/sessions", json={})
    except httpx2.TransportError:
        return None
    return str(reply.json()["session_id"]) if reply.status_code < 300 else None


def kill_if_alive(pid: int) -> None:
    """It may have ended with its server already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def guest_of(cove: Cove, session: str) -> int:
    """The guest's server: what pid 1 forked of itself."""
    first = cove.first_process(session)
    (guest,) = (pid for pid in children(first) if command_of(pid) == command_of(first))
    return guest
