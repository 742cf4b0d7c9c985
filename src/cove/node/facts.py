"""What tells one process from every other that may get its number, now and after a restart of the server."""

from pathlib import Path

from cove.core.ports import Facts


def start_time(pid: int) -> str:
    """When the process started, in ticks since boot: field 22 of /proc/PID/stat, after the name in parentheses."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def boot_id() -> str:
    """The kernel's name for this run of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def facts_of(pid: int) -> Facts:
    """What tells a sandbox's first process from every other that may get its number."""
    return {"pid": pid, "start_time": start_time(pid), "boot_id": boot_id()}
