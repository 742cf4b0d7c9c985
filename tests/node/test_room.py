"""How much memory is left: by the kernel's own word, and within the groups above us."""

from pathlib import Path

import pytest

from cove.node.cgroups import find_hierarchies
from cove.node.room import free_memory, memory_roots

MIB = 1024 * 1024
MEMINFO = "MemTotal:       4194304 kB\nMemFree:          1024 kB\nMemAvailable:   2097152 kB\n"


@pytest.fixture
def meminfo(tmp_path: Path) -> Path:
    """A machine with two GiB to give."""
    file = tmp_path / "meminfo"
    file.write_text(MEMINFO)
    return file


def _group(place: Path, **files: str) -> Path:
    place.mkdir()
    for name, text in files.items():
        (place / name.replace("__", ".")).write_text(text + "\n")
    return place


def test_kernel_says_what_there_is(meminfo: Path) -> None:
    assert free_memory((), meminfo) == 2048 * MIB


def test_limit_of_a_container_is_below_the_machines_memory(meminfo: Path, tmp_path: Path) -> None:
    stat = f"anon 1\nactive_file 0\ninactive_file {10 * MIB}"
    v2 = _group(tmp_path / "v2", memory__max=str(200 * MIB), memory__current=str(60 * MIB), memory__stat=stat)
    assert free_memory((v2,), meminfo) == 150 * MIB


def test_what_is_kept_of_files_can_be_had_however_often_they_were_read(meminfo: Path, tmp_path: Path) -> None:
    stat = f"inactive_file {10 * MIB}\nactive_file {170 * MIB}"
    v2 = _group(tmp_path / "v2", memory__max=str(200 * MIB), memory__current=str(199 * MIB), memory__stat=stat)
    assert free_memory((v2,), meminfo) == 181 * MIB


def test_older_hierarchy_is_understood_too(meminfo: Path, tmp_path: Path) -> None:
    files = {"memory__limit_in_bytes": 200 * MIB, "memory__usage_in_bytes": 250 * MIB}
    stat = f"active_file 0\ntotal_active_file {20 * MIB}\ntotal_inactive_file {20 * MIB}"
    v1 = _group(tmp_path / "v1", memory__stat=stat, **{k: str(v) for k, v in files.items()})
    assert free_memory((v1,), meminfo) == 0
    (v1 / "memory.usage_in_bytes").write_text(str(210 * MIB))
    assert free_memory((v1,), meminfo) == 30 * MIB


@pytest.mark.parametrize("files", [{"memory__max": "max"}, {}])
def test_group_without_a_limit_keeps_nothing_back(meminfo: Path, tmp_path: Path, files: dict[str, str]) -> None:
    assert free_memory((_group(tmp_path / "group", **files),), meminfo) == 2048 * MIB


def test_this_machine_has_some() -> None:
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert 0 < free_memory(memory_roots(find_hierarchies())) <= total
