"""Pause and resume, use and idleness, and how long a session may live."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.contract.agentbay.words import ids, moves, refusal
from tests.contract.clients import Client, for_each
from tests.contract.conftest import Place
from tests.waiting import until

Make = Callable[..., Any]
PAUSING = "0.13.1"
"""The first release here that pauses."""
IDLE = "0.19.0"
"""The first release here that says how long a session may lie unused."""
USED = 12
"""Seconds of idleness for sessions that are used all the time, by a test that may have to wait for its turn."""


@for_each(since=PAUSING)
def test_paused_session_keeps_files_and_programs(client: Client, make: Make) -> None:
    session = make()
    pause, resume = moves(client, session)
    start = "echo kept > /tmp/kept; nohup sleep 1000 >/dev/null 2>&1 & until pgrep -x sleep; do :; done"
    started = session.command.execute_command(start)
    assert started.success, started
    paused = pause()
    assert (paused.success, paused.status) == (True, "PAUSED"), paused
    resumed = resume()
    assert (resumed.success, resumed.status) == (True, "RUNNING"), resumed
    assert session.command.execute_command("cat /tmp/kept; pgrep -c sleep").output == "kept\n1\n"


@for_each(since=PAUSING)
def test_paused_session_says_why_it_runs_nothing(client: Client, make: Make) -> None:
    session = make()
    pause, _ = moves(client, session)
    assert pause().success
    done = session.command.execute_command("true")
    assert not done.success
    assert "paused" in done.error_message.lower(), done
    assert "paused" in session.file_system.read_file("/etc/hostname").error_message.lower()


@for_each(since=PAUSING)
def test_pausing_twice_is_refused_and_resuming_twice_is_not(client: Client, make: Make) -> None:
    session = make()
    pause, resume = moves(client, session)
    assert pause().success
    assert "PAUSED" in refusal(pause).upper()
    assert resume().success
    assert resume().success or "RUNNING" in refusal(resume)


@for_each(since="0.15.2")
def test_session_is_paused_through_the_cloud(cloud: Any, make: Make) -> None:
    session = make()
    assert cloud.beta_pause(session).status == "PAUSED"
    assert session.get_status().status == "PAUSED"
    assert cloud.beta_resume(session).status == "RUNNING"
    assert session.get_status().status == "RUNNING"


@for_each(since=PAUSING)
def test_paused_session_is_found_and_deleted(client: Client, cloud: Any, make: Make) -> None:
    session = make()
    assert moves(client, session)[0]().success
    assert cloud.get(session.session_id).success
    assert session.delete().success
    assert ids(cloud.list()) == []


@for_each(since=PAUSING)
def test_ended_session_is_neither_paused_nor_resumed(client: Client, make: Make) -> None:
    session = make()
    assert session.delete().success
    for move in moves(client, session):
        assert "NotFound" in refusal(move)


@for_each(since=IDLE)
def test_unused_session_goes_and_one_that_is_used_or_kept_alive_stays(make: Make) -> None:
    unused = make(idle_release_timeout=3)
    used, kept = (make(idle_release_timeout=USED) for _ in range(2))
    outlived = time.monotonic() + USED + 3  # so long after they would have been released

    def is_over() -> bool:
        told = kept.keep_alive()
        assert told.success, told
        assert told.request_id
        assert used.command.run("true").success
        return time.monotonic() > outlived and unused.get_status().status == "FINISH"

    until(is_over, "the unused session is gone, and the others would be")
    assert kept.get_status().status == used.get_status().status == "RUNNING"
    assert "not found" in refusal(unused.keep_alive).lower().replace("notfound", "not found")


@for_each(since=IDLE)
def test_idle_time_counts_seconds_where_it_comes_alone(place: Place, key: str, make: Make) -> None:
    session = make(idle_release_timeout=77)
    told = place.view(key, session.session_id)
    assert (told["idle_timeout"], told["on_idle"]) == (77, "release")


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        ({"idle_release_timeout": 7, "max_runtime": 90}, (420, 5400)),
        ({"idle_release_timeout": 7}, (420, 1800)),
        ({}, (300, 1800)),
        ({"manual_release": True}, (30 * 86400, 30 * 86400)),
    ],
    ids=["both", "idle", "neither", "manual"],
)
@for_each(since="0.22.0")
def test_lifecycle_policy_counts_minutes(
    place: Place, key: str, make: Make, process: Any, policy: dict[str, Any], seconds: tuple[int, int]
) -> None:
    session = make(lifecycle_policy=process.find("LifecyclePolicy")(**policy))
    told = place.view(key, session.session_id)
    assert (told["idle_timeout"], told["max_lifetime"]) == seconds


@for_each(since=IDLE)
def test_lifetime_beyond_the_longest_is_refused(cloud: Any, wish: Make) -> None:
    assert "Timeout" in refusal(lambda: cloud.create(wish(idle_release_timeout=10**12)))
