"""Why a session ended is told as it was: by whom it was ended, or what the kernel killed it for."""

import subprocess
from pathlib import Path

from tests.waiting import BOUND, until
from tests.world import is_alive

from cove.node.cgroups import Group, find_hierarchies

from .running import Cove

HOG = 'for place in "$@"; do echo 0 > "$place" || exit 1; done; exec tail /dev/zero'
"""Joins the groups it is told and takes memory until the kernel kills it, too; nearly all it has is counted there."""
FIRST = "1000"
"""What /proc/PID/oom_score_adj says of the one whom the kernel is to kill first."""
SMALL = {"limits": {"memory_bytes": 96 * 1024 * 1024}}
"""A session whose memory runs out soon, and on a machine that has little."""


def _create_small(cove: Cove) -> str:
    return str(cove.ask("POST", "/sessions", SMALL)["session_id"])


def _end_reason(cove: Cove, session: str) -> object:
    return cove.ask("GET", f"/sessions/{session}")["end_reason"]


def _guest_groups(cove: Cove, session: str) -> list[Path]:
    """The files by which a process joins those groups of the guest that count memory."""
    hierarchies = find_hierarchies()
    group = Group(hierarchies, (cove.data / "instance").read_text().strip(), session)
    if hierarchies.v2 and "memory" in hierarchies.v2_controllers and (born := group.born_in()):
        return [born / "cgroup.procs"]
    return [place for place in group.join() if place.is_relative_to(hierarchies.v1["memory"])]


def _starve(cove: Cove, session: str) -> None:
    """Let the memory of the guest run out, until the kernel has killed the session's first process for it."""
    first = cove.first_process(session)
    Path(f"/proc/{first}/oom_score_adj").write_text(FIRST)
    places = [str(place) for place in _guest_groups(cove, session)]

    def has_died() -> bool:
        subprocess.run(["sh", "-c", HOG, "hog", *places], timeout=BOUND, check=False)
        return not is_alive(first)

    until(has_died, "the kernel has killed its first process")


def test_session_that_the_kernel_killed_for_memory_says_so(cove: Cove) -> None:
    cove.start()
    starved, neighbour = _create_small(cove), cove.create()
    _starve(cove, starved)
    until(lambda: cove.state(starved) == "FINISH", "its end is seen")
    assert _end_reason(cove, starved) == "oom"
    assert cove.shell(neighbour, "echo well") == "well\n"
    cove.end_all()


def test_session_that_the_kernel_killed_while_there_was_no_server_says_so(cove: Cove) -> None:
    cove.start()
    starved = _create_small(cove)
    cove.kill()
    _starve(cove, starved)
    cove.start()
    assert (cove.state(starved), _end_reason(cove, starved)) == ("FINISH", "oom")
    cove.end_all()


def test_command_killed_for_memory_ends_no_session(cove: Cove) -> None:
    cove.start()
    session = _create_small(cove)
    fill = "head -c 300M /dev/zero | tail >/dev/null; echo ended with ${PIPESTATUS[1]}"
    body = {"arguments": {"command": fill}}
    cove.ask("POST", f"/sessions/{session}/tools/shell", body)
    assert cove.shell(session, "echo well") == "well\n"
    assert (cove.state(session), _end_reason(cove, session)) == ("RUNNING", None)
    cove.end_all()
