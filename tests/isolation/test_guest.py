"""A guest that is killed comes back; one that an attacker has replaced harms nobody but its own session."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import pytest
from tests.waiting import until

from .running import LONG, PROGRAMS, PYTHON, SOON, Inside, Running

pytestmark = pytest.mark.isolation
MIB = 1024 * 1024
MOST_GROWTH = 512 * MIB
"""Of the server, at its peak: it keeps one frame of at most 96 MiB, as bytes, as JSON and as values."""
MISBEHAVIOUR = (
    "garbage", "no_json", "gigabytes", "full_of_nothing", "deep", "deep_within", "wide", "notifications", "babble",
    "no_content", "a_list", "wrong_error", "wrong_failure", "wrong_types", "no_fields", "many_texts", "hang_up",
)  # fmt: skip
KILL_GUEST = "kill -9 $(ps -o pid= --ppid 1 | head -n1)"


def replace_guest(inside: Inside, answer: str) -> None:
    """Let root of the session stop the guest and answer in its place."""
    inside.run(f"{PYTHON} {PROGRAMS}/impostor.py {answer}", user="root")
    (impostor,) = until(lambda: inside.named("waiting"), "the impostor waits")
    os.kill(impostor, signal.SIGUSR1)
    until(lambda: inside.named("impostor"), "the impostor listens")


@contextmanager
def well(neighbour: Inside) -> Iterator[None]:
    """Work during which another session is of use, without a pause of more than some seconds."""
    done, begun = False, Event()

    def use() -> None:
        while not done:
            begun.set()
            assert neighbour.run("echo well", timeout_ms=SOON) == "well\n"

    with ThreadPoolExecutor(1) as pool:
        using = pool.submit(use)
        assert begun.wait(timeout=60)
        try:
            yield
        finally:
            done = True
        using.result(timeout=60)


@pytest.mark.claim("guest-lives")
def test_killed_guest_is_there_again_for_the_next_call(inside: Inside) -> None:
    inside.run("echo kept > ~/file; sleep 1000 >/dev/null 2>&1 &")
    killed = inside.try_to_run(KILL_GUEST, user="root")
    assert killed.code == "GuestMisbehaved"
    assert inside.run("cat ~/file") == "kept\n"
    until(lambda: inside.named("sleep"), "what ran in the background runs on")


@pytest.mark.claim("guest-lives")
def test_guest_killed_many_times_is_there_again(inside: Inside) -> None:
    for _ in range(5):
        inside.try_to_run(KILL_GUEST, user="root")
        assert inside.run("echo well") == "well\n"


@pytest.mark.claim("hostile-guest")
@pytest.mark.parametrize("answer", MISBEHAVIOUR)
def test_guest_that_misbehaves_is_told_of(answer: str, cove: Running, neighbour: Inside) -> None:
    with cove.session() as inside:
        replace_guest(inside, answer)
        cove.forget_peak()
        before = cove.memory()
        with well(neighbour):
            told = inside.try_to_run("true", timeout_ms=LONG)
        assert told.code == "GuestMisbehaved", told
        assert inside.id in told.error_message
        assert cove.memory("VmHWM") - before < MOST_GROWTH


@pytest.mark.claim("hostile-guest")
@pytest.mark.parametrize("answer", ["wrong_types", "no_fields", "deep_within", "wrong_failure"])
def test_guest_that_misbehaves_is_told_of_where_text_is_made(answer: str, inside: Inside) -> None:
    replace_guest(inside, answer)
    assert inside.session.call_mcp_tool("shell", {"command": "true", "timeout_ms": LONG}).code == "GuestMisbehaved"


@pytest.mark.claim("hostile-guest")
def test_guest_that_never_answers_is_told_of(cove: Running, neighbour: Inside) -> None:
    with cove.session() as inside:
        replace_guest(inside, "silence")
        with well(neighbour):
            told = inside.try_to_run("true", timeout_ms=1000)
        assert told.code == "GuestSilent", told
        assert inside.session.get_metrics().success


@pytest.mark.claim("hostile-guest")
def test_calls_without_end_to_a_silent_guest_are_bounded(cove: Running, neighbour: Inside) -> None:
    with cove.session() as inside, ThreadPoolExecutor(40) as pool:
        replace_guest(inside, "silence")
        calls = [pool.submit(inside.try_to_run, "true", timeout_ms=1000) for _ in range(40)]
        assert neighbour.run("echo well", timeout_ms=SOON) == "well\n"
        assert {call.result(timeout=120).code for call in calls} <= {"GuestSilent", "GuestMisbehaved"}
