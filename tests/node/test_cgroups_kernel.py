"""Control groups of this machine, for real: frozen ones stand still, killed ones go, whatever runs in them."""

import fcntl
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import BOUND, until

from cove.core.limits import MIB, Limits
from cove.node.cgroups import Group, Hierarchies, find_hierarchies, remove_instance, session_names

HERE = find_hierarchies()
REAL = {
    **({"v2": Hierarchies(v2=HERE.v2, v2_controllers=(), v1={})} if HERE.v2 else {}),
    **(
        {"v1": Hierarchies(v2=None, v2_controllers=(), v1={"freezer": HERE.v1["freezer"]})}
        if "freezer" in HERE.v1
        else {}
    ),
    "this machine's": HERE,
}
"""The kinds that can be had here; each test on them runs on all."""
COUNT = "import itertools, sys\nfor n in itertools.count():\n print(n, flush=True)"
SPIN = "while True: pass"
FORK = """
import os, resource
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for _ in range(20):
    if os.fork() == 0:
        while True:
            if (child := os.fork()) == 0:
                os._exit(0)
            os.waitpid(child, 0)
os.wait()
"""
"""Twenty processes, each of which starts a new one all the time."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
on_each = pytest.mark.parametrize("kind", REAL)


@pytest.fixture
def instance() -> Iterator[str]:
    """An instance of the test's own, of which nothing is left afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    for hierarchies in REAL.values():
        for session in session_names(hierarchies, name):
            Group(hierarchies, name, session).remove()
        remove_instance(hierarchies, name)
    assert not [root for root in roots(HERE) if (root / f"cove-{name}").exists()]


class Child:
    """A program in a group, which prints number after number."""

    def __init__(self, group: Group | None, program: str = COUNT) -> None:
        files = [] if group is None else group.join()
        if group is not None and (birthplace := group.born_in()):
            files.append(birthplace / "cgroup.procs")
        join = "".join(f"open({str(file)!r}, 'w').write('0')\n" for file in files)
        self.process = subprocess.Popen(
            [sys.executable, "-c", join + program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    def printed(self) -> int:
        """How many bytes have come since the last time."""
        assert self.process.stdout is not None
        return len(self.process.stdout.read() or b"")

    def unread(self) -> int:
        """How many bytes it can print at most that nobody reads."""
        assert self.process.stdout is not None
        return fcntl.fcntl(self.process.stdout, fcntl.F_GETPIPE_SZ)

    def drain(self) -> None:
        """Read all that it has printed; it must stand still."""
        while self.printed():
            pass

    def end(self) -> None:
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait(timeout=BOUND)
        self.process.stdout.close()


def roots(hierarchies: Hierarchies) -> list[Path]:
    return [*([hierarchies.v2] if hierarchies.v2 else []), *hierarchies.v1.values()]


@needs_root
@on_each
def test_frozen_group_stands_still_while_others_run(kind: str, instance: str) -> None:
    group = Group(REAL[kind], instance, "s")
    group.create(Limits())
    inside, outside = Child(group), Child(None)
    until(inside.printed, "it counts")
    group.freeze(True)
    until(group.is_frozen, "it freezes")
    inside.drain()
    counted = 0

    def has_counted_on() -> bool:
        nonlocal counted
        counted += outside.printed()
        return counted > outside.unread()

    until(has_counted_on, "the other one counts on")
    assert inside.printed() == 0
    group.freeze(False)
    until(lambda: not group.is_frozen(), "it thaws")
    until(inside.printed, "it counts again")
    group.remove()
    assert inside.process.wait(timeout=BOUND) == -signal.SIGKILL
    inside.end()
    outside.end()


@needs_root
@on_each
@pytest.mark.parametrize("is_frozen", [False, True])
def test_killed_group_is_empty_and_goes(kind: str, is_frozen: bool, instance: str) -> None:
    group = Group(REAL[kind], instance, "s")
    group.create(Limits())
    child = Child(group)
    until(child.printed, "it runs")
    assert group.members() == {child.process.pid}
    assert group.holds(child.process.pid)
    assert not group.holds(os.getpid())
    if is_frozen:
        group.freeze(True)
        until(group.is_frozen, "it freezes")
    group.kill()
    assert child.process.wait(timeout=BOUND) == -signal.SIGKILL
    until(lambda: not group.members(), "nobody is left")
    group.remove()
    assert not group.exists()
    child.end()


@needs_root
@on_each
def test_group_that_forks_without_end_goes(kind: str, instance: str) -> None:
    group = Group(REAL[kind], instance, "s")
    group.create(Limits(pids=64))
    child = Child(group, FORK)
    until(lambda: len(group.members()) > 20, "it forks")
    group.remove()
    assert not group.exists()
    child.end()


@needs_root
@on_each
def test_group_that_is_not_there_is_removed_already(kind: str, instance: str) -> None:
    group = Group(REAL[kind], instance, "never made")
    group.kill()
    group.remove(deadline=1)
    assert not group.exists()


@needs_root
def test_group_half_removed_by_a_killed_server_goes(instance: str) -> None:
    group = Group(HERE, instance, "s")
    group.create(Limits())
    for root in roots(HERE):
        Group(HERE, instance, "s").create(Limits())
        for path in (root / f"cove-{instance}/s/guest", root / f"cove-{instance}/s/work", root / f"cove-{instance}/s"):
            if path.exists():
                path.rmdir()
        group.remove()
        assert not group.exists()


@needs_root
@on_each
def test_sessions_are_found_by_their_groups(kind: str, instance: str) -> None:
    for name in ("one", "two"):
        Group(REAL[kind], instance, name).create(Limits())
    assert session_names(REAL[kind], instance) == {"one", "two"}
    assert session_names(REAL[kind], f"{instance}-other") == set()


@needs_root
@on_each
def test_instance_with_a_session_stays(kind: str, instance: str) -> None:
    Group(REAL[kind], instance, "s").create(Limits())
    remove_instance(REAL[kind], instance)
    assert session_names(REAL[kind], instance) == {"s"}


@needs_root
def test_processor_time_and_memory_are_measured(instance: str) -> None:
    group = Group(HERE, instance, "s")
    group.create(Limits())
    child = Child(group, SPIN)
    until(lambda: group.cpu_seconds() > 0.02, "its time is counted")
    assert 0 <= group.memory_bytes() < 2048 * MIB
    group.remove()
    child.end()
