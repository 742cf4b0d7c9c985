"""Two hundred sessions made, used and deleted, then fifty at once: the machine is as it was before."""

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import until, until_none
from tests.world import children, command_of, descriptors, namespaces, threads

from cove import AgentBay, MachineFull, Session

from .running import Cove

ROUNDS, BESIDE, AT_ONCE = 200, 4, 50
LEAVE = """
sleep 1000 &
mkdir -p $(printf 'deep/%.0s' {1..50})
chmod 000 deep
mkfifo left
echo made
"""


@pytest.mark.timeout(1200)  # half a minute where nobody else is at work
def test_two_hundred_sessions_leave_nothing_behind(cove: Cove) -> None:
    cove.up()
    live(cove, AT_ONCE, AT_ONCE)  # pools grow to their size
    until(lambda: not cove.world.processes(), "the last process is buried")
    before = traces(cove)
    live(cove, ROUNDS, BESIDE)
    until_none(lambda: growth(before, traces(cove)))
    live(cove, AT_ONCE, AT_ONCE)
    until_none(lambda: growth(before, traces(cove)))
    assert len(cove.rows()) == ROUNDS + 2 * AT_ONCE
    cove.end_all()


def live(cove: Cove, count: int, beside: int) -> None:
    """So many sessions live, so many of them at a time; afterwards none does."""
    with AgentBay(endpoint=f"unix://{cove.socket}") as bay, ThreadPoolExecutor(beside) as pool:
        list(pool.map(lambda _: use_a_session(bay), range(count)))
        assert bay.list().total_count == 0


def use_a_session(bay: AgentBay) -> None:
    """A session's whole life, with what it may leave: a process, a pipe, deep directories that nobody may enter."""
    with ExitStack() as stack:
        session = until(lambda: opened(bay, stack), "the machine has memory for it")
        assert session
        assert session.command.execute_command(LEAVE).unwrap() == "made\n"


def opened(bay: AgentBay, stack: ExitStack) -> Session | None:
    """None where other tests have taken the memory that fifty more want."""
    try:
        return stack.enter_context(bay.open())
    except MachineFull:
        return None


def traces(cove: Cove) -> dict[str, Any]:
    """Everything of this Cove that the kernel shows."""
    world, server, launcher = cove.world, cove.process.pid, cove.launcher()
    family = [server, *descendants(server)]
    return {
        "processes": sorted(" ".join(command_of(pid)) or f"unburied {pid}" for pid in family),
        "processes of sandboxes": sorted(world.processes()),
        "mounts": world.mounts([os.getpid(), server, launcher]),
        "mount table of the server": len(Path(f"/proc/{server}/mountinfo").read_text().splitlines()),
        "control groups": world.groups(),
        "namespaces": sorted(namespaces([*family, *world.processes()])),
        "loop devices": world.loops(),
        "sockets": world.sockets(),
        "descriptors of the server": descriptors(server),
        "descriptors of the launcher": descriptors(launcher),
        "threads": {"server": threads(server), "launcher": threads(launcher)},
        "files": world.files(),
    }


def descendants(pid: int) -> list[int]:
    """Children and theirs."""
    return [found for child in children(pid) for found in (child, *descendants(child))]


def growth(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What there is more of than before; what was still on its way out then may be gone."""
    return [f"{what}: {before[what]}\n  became {now}" for what, now in after.items() if not fits(now, before[what])]


def fits(now: Any, before: Any) -> bool:
    """Whether there is no more of anything."""
    if isinstance(now, int):
        return bool(now <= before)
    if isinstance(now, dict) and not isinstance(now, Counter):
        return all(name in before and fits(each, before[name]) for name, each in now.items())
    return Counter(now) <= Counter(before)
