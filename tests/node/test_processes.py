"""Processes without a control group: found by their namespace, stopped and ended by signals."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.waiting import until
from tests.world import children

from cove.node.facts import facts_of
from cove.node.processes import RECORD, Processes, memory_of

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
FIRST = """
import ctypes, os, platform, threading, time
held = b"x" * (64 << 20)  # the kernel counts memory inexactly: by some pages for each processor
while time.process_time() < 0.1:
    pass
def go_on():
    while True:
        time.sleep(0.01)
for number in range(3):
    if os.fork() == 0:
        if number == 2:  # its first thread ends, another one goes on
            threading.Thread(target=go_on).start()
            ctypes.CDLL(None).syscall(ctypes.c_long({"x86_64": 60, "aarch64": 93}[platform.machine()]), 0)
        break
else:
    print("ready", flush=True)
while True:
    time.sleep(0.01)
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Processes]:
    """A process namespace with a first process and three children, and the note of it."""
    command = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", FIRST]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as outer:
        assert outer.stdout is not None
        outer.stdout.readline()
        (first,) = children(outer.pid)
        (tmp_path / RECORD).write_bytes(msgspec.json.encode(facts_of(first)))
        until(lambda: "Z" in [own_state(pid) for pid in children(first)], "a first thread has ended")
        yield Processes(tmp_path)
        outer.kill()


def own_state(pid: int, thread: str = "") -> str:
    """That of a thread, the first one unless said; Z if it is gone."""
    try:
        text = Path(f"/proc/{pid}/task/{thread or pid}/stat").read_text()
    except OSError:
        return "Z"
    return text.rpartition(")")[2].split()[0]


def state(pid: int) -> str:
    """That of a living thread, or Z if there is none."""
    try:
        found = {own_state(pid, thread) for thread in os.listdir(f"/proc/{pid}/task")}
    except OSError:
        return "Z"
    return next(iter(found - {"Z", "X"}), "Z")


def freeze(sandbox: Processes) -> None:
    sandbox.freeze(True)
    until(sandbox.is_frozen, "all stand still")


def test_members_are_the_first_process_and_its_children(sandbox: Processes) -> None:
    first = sandbox.first()
    assert first is not None
    assert len(sandbox.members()) == 4
    assert sandbox.holds(first)
    assert not sandbox.holds(os.getpid())


def test_memory_and_time_are_those_of_all(sandbox: Processes) -> None:
    assert all(memory_of(pid) > 20_000_000 for pid in sandbox.members())
    assert sandbox.memory_bytes() > 80_000_000
    assert sandbox.cpu_seconds() > 0


def test_all_stand_still_and_go_on(sandbox: Processes) -> None:
    freeze(sandbox)
    assert {state(pid) for pid in sandbox.members()} == {"T"}
    sandbox.freeze(False)
    assert not sandbox.is_frozen()
    until(lambda: {state(pid) for pid in sandbox.members()} <= {"S", "R"}, "all go on")


def test_what_stood_still_before_stays_so(sandbox: Processes) -> None:
    one = max(sandbox.members())
    os.kill(one, signal.SIGSTOP)
    until(lambda: state(one) == "T", "it stands still")
    freeze(sandbox)
    freeze(sandbox)  # again, as a server does that was killed before it wrote it down
    sandbox.freeze(False)
    assert state(one) == "T"


def test_next_server_finds_it_frozen(sandbox: Processes, tmp_path: Path) -> None:
    freeze(sandbox)
    assert Processes(tmp_path).is_frozen()


def test_another_process_with_the_number_is_not_taken_for_it(sandbox: Processes, tmp_path: Path) -> None:
    note = msgspec.json.decode((tmp_path / RECORD).read_bytes())
    (tmp_path / RECORD).write_bytes(msgspec.json.encode(note | {"start_time": "1"}))
    assert (sandbox.first(), sandbox.members()) == (None, set())
    sandbox.kill()  # nobody


def test_killing_the_first_process_ends_all(sandbox: Processes) -> None:
    members = sandbox.members()
    sandbox.kill()
    until(lambda: {state(pid) for pid in members} == {"Z"}, "all are gone")
