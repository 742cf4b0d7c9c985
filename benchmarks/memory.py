"""What a session's processes have for themselves, as the kernel counts it."""

from collections.abc import Iterator
from pathlib import Path

KIB = 1024


def processes_of(session_id: str) -> Iterator[Path]:
    """The /proc directories of the processes in the session's control groups."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            groups = (process / "cgroup").read_text()
        except OSError:
            continue
        if f"/{session_id}" in groups:
            yield process


def private_mib(session_id: str) -> float:
    """MiB that the end of the session would give back: private pages, clean and dirty, of all its processes."""
    total = 0
    for process in processes_of(session_id):
        for line in (process / "smaps_rollup").read_text().splitlines():
            if line.startswith(("Private_Clean:", "Private_Dirty:")):
                total += int(line.split()[1]) * KIB
    return total / KIB / KIB
