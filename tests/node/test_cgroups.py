"""Control groups on each kind of machine: what is found there and what would be written, on trees of plain files."""

from pathlib import Path

import pytest

from cove.core.limits import MIB, Limits
from cove.node.cgroups import GUEST_RESERVE, Group, Hierarchies, find_hierarchies

V1_TEXT = """\
24 1 0:22 / / rw - ext4 /dev/vda1 rw
30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,nosuid shared:10 - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids
34 30 0:30 / /sys/fs/cgroup/devices rw,nosuid - cgroup cgroup rw,devices
35 30 0:31 / /sys/fs/cgroup/freezer rw,nosuid - cgroup cgroup rw,freezer
36 30 0:32 / /sys/fs/cgroup/blkio rw,nosuid - cgroup cgroup rw,blkio
37 30 0:33 / /sys/fs/cgroup/systemd rw,nosuid - cgroup cgroup rw,xattr,name=systemd
"""
V2_MOUNT = "38 30 0:34 / /sys/fs/cgroup/unified rw,nosuid shared:11 master:2 - cgroup2 cgroup2 rw,nsdelegate\n"
V2_TEXT = "29 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
V1_ROOTS = {
    "cpu": "cpu,cpuacct", "cpuacct": "cpu,cpuacct", "memory": "memory", "pids": "pids", "devices": "devices",
    "freezer": "freezer",
}  # fmt: skip
LIMITS = Limits(memory_bytes=512 * MIB, cpus=1.5, pids=77)
HERE = find_hierarchies()


# what is found


def test_v1_is_found_by_its_controllers() -> None:
    found = find_hierarchies(V1_TEXT)
    assert found.kind == "v1"
    assert found.v1 == {name: Path("/sys/fs/cgroup", place) for name, place in V1_ROOTS.items()}
    assert found.missing() == []


def test_hybrid_is_both() -> None:
    found = find_hierarchies(V1_TEXT + V2_MOUNT)
    assert found.kind == "hybrid"
    assert found.v2 == Path("/sys/fs/cgroup/unified")
    assert set(found.v1) == set(V1_ROOTS)


def test_v2_alone_is_found() -> None:
    found = find_hierarchies(V2_TEXT)
    assert (found.kind, found.v2, found.v1) == ("v2", Path("/sys/fs/cgroup"), {})


def test_machine_without_control_groups_lacks_every_controller() -> None:
    assert find_hierarchies(V1_TEXT.splitlines()[0]).missing() == ["memory", "cpu", "pids", "freezer"]


def test_this_machine_has_what_limits_need() -> None:
    assert HERE.missing() == []


# what is written, on trees of plain files


@pytest.fixture
def v2_tree(tmp_path: Path) -> Hierarchies:
    (tmp_path / "v2").mkdir()
    return Hierarchies(v2=tmp_path / "v2", v2_controllers=("memory", "cpu", "pids"), v1={})


@pytest.fixture
def v1_tree(tmp_path: Path) -> Hierarchies:
    for place in V1_ROOTS.values():
        (tmp_path / place).mkdir(exist_ok=True)
    return Hierarchies(v2=None, v2_controllers=(), v1={name: tmp_path / place for name, place in V1_ROOTS.items()})


def written(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_limits_on_v2(v2_tree: Hierarchies) -> None:
    assert v2_tree.v2 is not None
    Group(v2_tree, "i", "s").create(LIMITS)
    handed_down = "+memory +cpu +pids"
    assert written(v2_tree.v2) == {
        "cgroup.subtree_control": handed_down,
        "cove-i/cgroup.subtree_control": handed_down,
        "cove-i/s/cgroup.subtree_control": handed_down,
        "cove-i/s/work/memory.max": str(512 * MIB),
        "cove-i/s/work/memory.oom.group": "1",
        "cove-i/s/guest/memory.max": str(GUEST_RESERVE),
        "cove-i/s/cpu.max": "150000 100000",
        "cove-i/s/pids.max": "77",
    }


def test_swap_is_refused_on_v2_where_there_is_any(v2_tree: Hierarchies) -> None:
    assert v2_tree.v2 is not None
    for child in ("guest", "work"):
        swap = v2_tree.v2 / "cove-i/s" / child / "memory.swap.max"
        swap.parent.mkdir(parents=True)
        swap.write_text("max")
    Group(v2_tree, "i", "s").create(LIMITS)
    found = written(v2_tree.v2)
    assert [found[f"cove-i/s/{child}/memory.swap.max"] for child in ("guest", "work")] == ["0", "0"]


def test_limits_on_v1(v1_tree: Hierarchies, tmp_path: Path) -> None:
    Group(v1_tree, "i", "s").create(LIMITS)
    found = written(tmp_path)
    allowed = found.pop("devices/cove-i/s/devices.allow")
    assert allowed.endswith(" rw")  # the last one written; a file of the kernel takes one after the other
    assert found == {
        "memory/cove-i/s/work/memory.limit_in_bytes": str(512 * MIB),
        "memory/cove-i/s/guest/memory.limit_in_bytes": str(GUEST_RESERVE),
        "cpu,cpuacct/cove-i/s/cpu.cfs_period_us": "100000",
        "cpu,cpuacct/cove-i/s/cpu.cfs_quota_us": "150000",
        "pids/cove-i/s/pids.max": "77",
        "devices/cove-i/s/devices.deny": "a",
    }


def test_hybrid_sets_each_limit_once(v1_tree: Hierarchies, tmp_path: Path) -> None:
    v1 = {name: root for name, root in v1_tree.v1.items() if name not in ("memory", "pids")}
    (tmp_path / "unified").mkdir()
    Group(Hierarchies(v2=tmp_path / "unified", v2_controllers=("memory", "pids"), v1=v1), "i", "s").create(LIMITS)
    found = written(tmp_path)
    assert [path for path in found if path.endswith("pids.max")] == ["unified/cove-i/s/pids.max"]
    assert not [path for path in found if path.startswith(("memory/", "pids/", "freezer/"))]
    assert found["unified/cgroup.subtree_control"] == "+memory +pids"


def test_guest_is_born_in_its_group_on_v2_and_joins_those_of_v1(v1_tree: Hierarchies, v2_tree: Hierarchies) -> None:
    v2, v1 = Group(v2_tree, "i", "s"), Group(v1_tree, "i", "s")
    assert v2_tree.v2 is not None
    assert v2.born_in() == v2_tree.v2 / "cove-i/s/guest"
    assert (v2.join(), v2.work_files()) == ([], [v2_tree.v2 / "cove-i/s/work/cgroup.procs"])
    assert v1.born_in() is None
    tasks = {str(path.relative_to(v1_tree.v1["memory"].parent)) for path in v1.join()}
    assert tasks == {
        "cpu,cpuacct/cove-i/s/tasks",
        "memory/cove-i/s/guest/tasks",
        "pids/cove-i/s/tasks",
        "devices/cove-i/s/tasks",
        "freezer/cove-i/s/tasks",
    }
    assert v1.work_files() == [v1_tree.v1["memory"] / "cove-i/s/work/tasks"]
