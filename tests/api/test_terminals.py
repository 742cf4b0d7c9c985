"""Terminals of true sandboxes through both doors: as the kernel has them, and as they end."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tests.looking import Look
from tests.serving import IS_REAL
from tests.waiting import until
from tests.world import descriptors

import cove
from cove.sdk._wire import terminals as wire

Open = Callable[..., Look]
COUNTING = "stty -echo; i=0; while :; do i=$((i+1)); echo n$i; sleep 0.02; done"
MEMORY = 256 << 20
"""Bytes of a session: no more than it takes a moment to fill."""
needs_sandboxes = pytest.mark.skipif(not IS_REAL, reason="needs root")


@pytest.fixture
def bay(door: Any) -> Iterator[cove.AgentBay]:
    with cove.AgentBay(door.api_key, endpoint=door.endpoint) as client:
        yield client


@pytest.fixture
def inside(bay: cove.AgentBay) -> Iterator[cove.Session]:
    made = bay.create(cove.CreateSessionParams(limits={"memory_bytes": MEMORY})).unwrap()
    yield made
    made.delete()


@pytest.fixture
def look(door: Any, inside: cove.Session) -> Iterator[Open]:
    made: list[Look] = []

    def one(command: str = "", query: str = "") -> Look:
        wanted = f"{query}&command={quote(command)}" if command else query
        made.append(Look(door.endpoint, inside.session_id, wanted, door.api_key))
        return made[-1]

    yield one
    for each in made:
        each.close()


def test_a_terminal_works_through_this_door(look: Open) -> None:
    one = look(query="cols=97&rows=31")
    one.type("stty size; exit 3\n")
    assert one.end() == {"type": "exited", "exit_code": 3}
    assert b"31 97" in one.shown


@needs_sandboxes
def test_it_has_the_users_rights_and_the_sessions_limits(look: Open, inside: cove.Session) -> None:
    one = look("id -un; cat /proc/self/cgroup | wc -l; grep -c . /proc/self/status; ulimit -c; echo $HOME $TERM")
    assert one.end()["exit_code"] == 0
    assert one.shown.startswith(b"wuying\r\n")
    assert b"/home/wuying xterm-256color" in one.shown
    last = look("tail /dev/zero; exit 1").end()  # the kernel ends it, and where it can all that runs beside it
    assert last["type"] == "exited"
    assert last["exit_code"] != 0
    assert inside.command.run("echo well").unwrap() == "well\n"


@needs_sandboxes
def test_variables_of_the_session_are_there(look: Open, inside: cove.Session) -> None:
    inside.env.set({"OF_ALL": "yes"})
    one = look("echo $OF_ALL $OWN", query="envs=OWN=too")
    one.until(b"yes too")


@needs_sandboxes
def test_a_pause_freezes_what_runs_on_it_and_a_resume_lets_it_go_on(look: Open, inside: cove.Session) -> None:
    one = look(COUNTING)
    one.until(b"n5\r\n")
    inside.pause().unwrap()
    one.type("x")
    one.told("paused")
    stood_at = numbers(one)[-1]
    inside.resume().unwrap()
    one.until(f"n{stood_at + 5}\r\n".encode())
    assert numbers(one) == list(range(1, numbers(one)[-1] + 1))


@needs_sandboxes
def test_a_killed_guest_takes_its_terminals_with_it_and_says_so(look: Open, inside: cove.Session) -> None:
    one = look("echo up; sleep 4321")
    one.until(b"up")
    inside.command.run("kill -9 $(ps -o pid= --ppid 1 | head -n1)", user="root")
    last = one.end()
    assert (last["type"], last["code"]) == ("failed", "TerminalGone")
    until(lambda: "sleep 4321" not in inside.command.run("ps axo args").unwrap(), "it was hung up", 60)
    again = look("exit 4")
    assert again.end()["exit_code"] == 4


@needs_sandboxes
def test_a_session_that_is_deleted_says_so(look: Open, inside: cove.Session) -> None:
    one = look("sleep 4321")
    assert one.id
    inside.delete().unwrap()
    last = one.end()
    assert (last["type"], last["code"]) == ("failed", "SandboxGone")
    assert "(deleted)" in last["message"]


@needs_sandboxes
def test_a_flood_that_nobody_takes_stands_still_and_costs_the_server_nothing(
    look: Open, bay: cove.AgentBay, inside: cove.Session
) -> None:
    server = bay.server.health().pid
    flood = look("yes")
    flood.until(b"y\r\n")
    before, used = resident(server), -1.0

    def stands_still() -> bool:
        nonlocal used
        metrics = inside.get_metrics().unwrap()
        last, used = used, metrics.cpu_used_pct
        return last == 0.0 == used

    inside.get_metrics()
    until(stands_still, "the flood stands still", 60)
    assert resident(server) - before < 16 << 20
    assert inside.command.run("echo well").unwrap() == "well\n"


@needs_sandboxes
def test_many_terminals_leave_nothing_behind(look: Open, bay: cove.AgentBay, inside: cove.Session) -> None:
    server = bay.server.health().pid
    guest = "ps -o pid= --ppid 1 | head -n1 | tr -d ' '"
    count = f"ls /proc/$({guest})/fd /proc/$({guest})/task | wc -l"
    many = 20
    look("exit 0").end()

    def held() -> tuple[int, int]:
        return descriptors(server).total(), int(inside.command.run(count, user="root").unwrap())

    until(lambda: held() == held(), "it is quiet", 60)
    before = held()
    for _ in range(many):
        assert look("exit 0").end()["type"] == "exited"
        left = look("sleep 1000")
        inside_kill(bay, inside, left.id)
        left.close()
    until(lambda: all(now < then + many / 2 for now, then in zip(held(), before, strict=True)), "all is given back")


def inside_kill(bay: cove.AgentBay, session: cove.Session, terminal: str) -> None:
    bay.transport.ask(wire.kill(session.session_id, terminal)).get()


def numbers(one: Look) -> list[int]:
    whole = one.shown.split(b"\r\n")[:-1]
    return [int(line[1:]) for line in whole if line.startswith(b"n") and line[1:].isdigit()]


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
