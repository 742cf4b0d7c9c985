"""Each limit holds against a session that ignores it, and what holds it is the limit: a wider one lets more through."""

import os
import time
from pathlib import Path

import pytest
from tests.waiting import until

from .running import LONG, PYTHON, SOON, Inside, Running, field

pytestmark = pytest.mark.isolation
MIB = 1024 * 1024
NARROW, WIDE = 96 * MIB, 512 * MIB
FILL_MEMORY = "import sys; kept = bytearray(200 << 20); kept[::4096] = b'x' * len(kept[::4096]); print('kept')"
FILL_SHARED = "dd if=/dev/zero of=/dev/shm/fill bs=1M count=200 2>&1 && echo kept"
FILL_DISK = "dd if=/dev/zero of=$HOME/fill bs=1M count=200"
FORK_BOMB = ":() { : | : & }; :"
STUBBORN = "trap '' TERM INT HUP; while :; do sleep 0.05; done"
BURN = "timeout 2 sh -c 'while :; do :; done' & timeout 2 sh -c 'while :; do :; done' & wait"
FEW = 0.4
"""Processors: somewhat more than a quarter, since a share is dealt out in pieces."""
fill_memory = pytest.mark.parametrize("fill", [f'{{python}} -c "{FILL_MEMORY}"', FILL_SHARED], ids=["heap", "shm"])


@pytest.mark.claim("memory")
@fill_memory
@pytest.mark.parametrize("user", ["wuying", "root"])
def test_full_memory_costs_the_process_alone(fill: str, user: str, cove: Running, neighbour: Inside) -> None:
    with cove.session(memory_bytes=NARROW) as inside:
        told = inside.try_to_run(fill.format(python=PYTHON), user=user)
        assert "kept" not in told.output
        assert not told.success
        inside.run("rm -f /dev/shm/fill", user="root")
        assert inside.run("echo well") == "well\n"
    assert neighbour.run("echo well") == "well\n"


def test_full_shared_memory_leaves_room_for_programs(cove: Running) -> None:
    with cove.session(memory_bytes=NARROW) as inside:
        assert "No space left on device" in inside.try_to_run(FILL_SHARED).output
        assert inside.run("stat -c %s /dev/shm/fill") == f"{NARROW // 2}\n"


@fill_memory
def test_memory_is_there_up_to_the_limit(fill: str, cove: Running) -> None:
    with cove.session(memory_bytes=WIDE) as inside:
        assert "kept" in inside.run(fill.format(python=PYTHON))


@pytest.mark.claim("processes-limit")
def test_fork_bomb_stops_at_the_limit(cove: Running, neighbour: Inside) -> None:
    with cove.session(pids=64) as inside:
        inside.try_to_run(f"({FORK_BOMB}) >/dev/null 2>&1", timeout_ms=3000)
        assert len(inside.members()) <= 64
        for _ in range(10):
            assert neighbour.run("echo well", timeout_ms=SOON) == "well\n"


@pytest.mark.claim("processes-limit")
def test_forks_fail_past_the_limit_only(cove: Running) -> None:
    with cove.session(pids=32) as narrow, cove.session(pids=256) as wide:
        assert not narrow.attack("makes.fork", "60").breached
        assert narrow.run("echo well") == "well\n"
        assert wide.attack("makes.fork", "60").breached


@pytest.mark.claim("disk")
@pytest.mark.parametrize("user", ["wuying", "root"])
def test_full_disk_stops_at_the_limit(user: str, cove: Running, neighbour: Inside) -> None:
    with cove.session(disk_bytes=128 * MIB) as inside:
        told = inside.try_to_run(FILL_DISK, user=user)
        assert "No space left on device" in told.stderr
        stored = sum(path.stat().st_blocks * 512 for path in cove.directory(inside.id).iterdir())
        assert stored <= 136 * MIB
        assert inside.run("echo well") == "well\n"
        assert inside.session.file_system.write_file("/home/wuying/one", "x" * MIB).code == "NoSpace"
        assert neighbour.run("echo more > ~/more && cat ~/more") == "more\n"


@pytest.mark.claim("disk")
def test_files_without_end_stop_at_the_limit(cove: Running) -> None:
    with cove.session(disk_bytes=64 * MIB) as inside:
        told = inside.try_to_run("cd; i=0; while : > f$i; do i=$((i+1)); done", timeout_ms=LONG)
        assert "No space left on device" in told.stderr
        assert inside.run("echo well") == "well\n"


def test_disk_is_there_up_to_the_limit(cove: Running) -> None:
    with cove.session(disk_bytes=512 * MIB) as inside:
        assert inside.try_to_run(FILL_DISK).success


@pytest.mark.claim("disk")
@pytest.mark.parametrize("place", ["/run", "/run/lock", "/dev", "/dev/shm", "/dev/mqueue"])
def test_places_in_memory_are_limited_too(place: str, cove: Running) -> None:
    with cove.session(memory_bytes=NARROW) as inside:
        inside.try_to_run(f"dd if=/dev/zero of={place}/fill bs=1M count=300", user="root")
        size = inside.try_to_run(f"stat -c %s {place}/fill || echo 0", user="root").stdout.split()[-1]
        assert int(size) < NARROW
        assert inside.run("echo well") == "well\n"


@pytest.mark.claim("output")
def test_output_without_end_is_cut_off_and_marked(cove: Running) -> None:
    with cove.session(output_bytes=MIB) as inside:
        cove.forget_peak()
        before = cove.memory()
        told = inside.try_to_run("yes | head -c 300M; exit 3", timeout_ms=LONG)
        assert (told.truncated, len(told.stdout), told.exit_code) == (True, MIB, 3)
        assert cove.memory("VmHWM") - before < 64 * MIB
        resident = [field(pid, "VmRSS") for pid in inside.members()]
        assert all(int(size.split()[0]) < 128 * 1024 for size in resident if size)


def test_output_is_whole_up_to_the_limit(cove: Running) -> None:
    with cove.session(output_bytes=MIB) as inside:
        told = inside.try_to_run(f"yes | head -c {MIB}")
        assert (told.truncated, len(told.stdout)) == (False, MIB)


@pytest.mark.parametrize("mark", [",", "[", '"', "\\001"], ids=["commas", "brackets", "quotes", "controls"])
def test_output_of_one_mark_alone_is_whole(mark: str, cove: Running) -> None:
    with cove.session() as inside:
        told = inside.try_to_run(f"head -c 4M /dev/zero | tr '\\0' '{mark}'").unwrap()
        assert len(told) == 4 * MIB
        assert set(told) == {mark.encode().decode("unicode_escape")}


@pytest.mark.claim("time")
def test_command_that_ignores_signals_is_gone_when_its_time_is_up(inside: Inside) -> None:
    before = inside.members()
    told = inside.try_to_run(STUBBORN, timeout_ms=1000)
    assert told.code == "CommandTimedOut"
    until(lambda: inside.members() <= before, "the command is gone")


@pytest.mark.claim("cpu")
def test_processor_time_is_limited(cove: Running) -> None:
    with cove.session(cpus=0.25) as inside:
        assert inside.session.get_metrics().unwrap().cpu_count == 0.25
        assert cpus_used(inside) < FEW


def test_processor_time_is_there_up_to_the_limit(cove: Running) -> None:
    with cove.session(cpus=2.0) as inside:
        until(lambda: is_served(inside), "it gets more, or this machine has none to spare", seconds=120)


def is_served(inside: Inside) -> bool:
    """Whether no processor stands still for long while a session wants two."""
    start, idle = time.monotonic(), idle_seconds()
    used = cpus_used(inside)
    return used > FEW or (idle_seconds() - idle) / (time.monotonic() - start) < 0.5


def idle_seconds() -> float:
    """How long this machine's processors, all together, have had nothing to do."""
    return int(Path("/proc/stat").read_text().split()[4]) / os.sysconf("SC_CLK_TCK")


def cpus_used(inside: Inside) -> float:
    """How many processors two endless loops got, measured from outside."""
    group, start = inside.running.group(inside.id), time.monotonic()
    before = group.cpu_seconds()
    inside.run(BURN)
    return (group.cpu_seconds() - before) / (time.monotonic() - start)
