"""A guest that lies about terminals, or floods them, harms nobody but its own session."""

import msgspec
import pytest
from tests.looking import Look
from websockets.exceptions import InvalidStatus

from .running import SOON, Inside, Running
from .test_guest import MIB, replace_guest, well

pytestmark = pytest.mark.isolation
REFUSED = ("garbage", "gigabytes", "deep", "wrong_types", "no_content", "wrong_error", "wrong_failure", "hang_up")
"""What the guest's answer to the wish for a terminal is."""
BROKEN = ("terminal_garbage", "terminal_lies", "terminal_commands", "terminal_hangs_up")
"""What comes behind an answer that is as it should be."""


def look_at(inside: Inside) -> Look:
    return Look(f"unix://{inside.running.socket}", inside.id)


def outcome_of(inside: Inside) -> str:
    """The code of what is said in the end: instead of a WebSocket, or on it."""
    try:
        one = look_at(inside)
    except InvalidStatus as refused:
        return str(msgspec.json.decode(refused.response.body)["error"]["code"])
    last = one.end()
    assert [said["type"] for said in one.said] == ["opened", "failed"]
    return str(last["code"])


@pytest.mark.claim("hostile-guest")
@pytest.mark.parametrize("answer", REFUSED)
def test_a_terminal_that_is_none_is_refused(answer: str, cove: Running, neighbour: Inside) -> None:
    with cove.session() as inside:
        replace_guest(inside, answer)
        with well(neighbour), pytest.raises(InvalidStatus) as refused:
            look_at(inside)
        body = msgspec.json.decode(refused.value.response.body)["error"]
        assert (refused.value.response.status_code, body["code"]) == (502, "GuestMisbehaved")
        assert inside.id in body["message"]


@pytest.mark.claim("hostile-guest")
@pytest.mark.parametrize("answer", BROKEN)
def test_a_terminal_that_talks_nonsense_is_cut_off(answer: str, cove: Running, neighbour: Inside) -> None:
    with cove.session() as inside:
        replace_guest(inside, answer)
        with well(neighbour):
            code = outcome_of(inside)
        assert code == ("TerminalGone" if answer == "terminal_hangs_up" else "GuestMisbehaved")


@pytest.mark.claim("hostile-guest")
@pytest.mark.parametrize("answer", ["terminal_flood", "terminal_crumbs", "terminal_nothing"])
def test_a_terminal_that_floods_holds_up_nobody(answer: str, cove: Running, neighbour: Inside) -> None:
    with cove.session() as inside:
        replace_guest(inside, answer)
        cove.forget_peak()
        before = cove.memory()
        with well(neighbour):
            one = look_at(inside)
            assert one.id == "t-impostor"
            for _ in range(5):
                assert neighbour.run("sleep 0.2; echo well", timeout_ms=SOON) == "well\n"
            one.close()
        assert cove.memory("VmHWM") - before < 64 * MIB


@pytest.mark.claim("output")
def test_a_terminal_without_end_at_which_nobody_looks_takes_no_memory(cove: Running) -> None:
    with cove.session() as inside:
        one = Look(f"unix://{cove.socket}", inside.id, "command=yes")
        one.until(b"y")
        cove.forget_peak()
        before = cove.memory()
        assert inside.run("sleep 1; echo well", timeout_ms=SOON) == "well\n"
        one.socket.socket.close()
        assert inside.run("sleep 1; echo well", timeout_ms=SOON) == "well\n"
        assert cove.memory("VmHWM") - before < 64 * MIB
