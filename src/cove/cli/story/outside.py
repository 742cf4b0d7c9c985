"""A session as this machine's kernel shows it, without asking Cove: processes, mounts, control groups, loop devices."""

import os
from pathlib import Path

import msgspec

from cove.core.errors import CoveError


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """A process of a session: its id on this machine, and its id inside."""

    pid: int
    inner_pid: int

    def cpu_ticks(self) -> int:
        """Processor time it has used, in clock ticks: fields 14 and 15 of /proc/PID/stat."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def last_line(self, path: str) -> str:
        """The last whole line of a file as the process sees it, read through /proc without its help; "" if none yet."""
        try:
            with Path(f"/proc/{self.pid}/root", path.lstrip("/")).open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - 200))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return ""
        return lines[-2].decode() if len(lines) > 1 else ""


def processes_of(name: str, data: Path | None = None) -> list[Process]:
    """The processes of `name`: a session's id, or an instance's group.

    They are in a control group whose path has that as a part; where there is none, in the process namespace of a
    process that a sandbox below the data directory was begun with.

    An ended one that its parent has not collected yet is none: after a `kill -9` of the server that parent is the
    machine's own init, which takes its time.
    """
    found, begun = [], _namespaces(data, name) if data else set()
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            is_member = f"/{name}/" in (directory / "cgroup").read_text().replace("\n", "/\n")
            is_member |= bool(begun) and _namespace(directory) in begun
            status = (directory / "status").read_text() if is_member else ""
        except OSError:  # it has ended meanwhile
            continue
        if "\nState:\tZ" in status:
            continue
        inner = [line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")]
        found += [Process(pid=int(directory.name), inner_pid=int(pid)) for pid in inner]
    return found


def _namespaces(data: Path, name: str) -> set[str]:
    begun = set()
    for record in data.glob("sandboxes/*/process.json"):
        if record.parent.name == name or name.startswith("cove-"):
            begun.add(_namespace(Path("/proc", str(msgspec.json.decode(record.read_bytes())["pid"]))))
    return begun - {""}


def _namespace(process: Path) -> str:
    try:
        return os.readlink(process / "ns/pid")
    except OSError:
        return ""


def find_process(session_id: str, inner_pid: int, data: Path) -> Process:
    """The process that a session knows by `inner_pid`; raises CoveError."""
    for process in processes_of(session_id, data):
        if process.inner_pid == inner_pid:
            return process
    raise CoveError(reason=f"no process of session {session_id} has the id {inner_pid} inside")


def traces(data: Path, instance: str) -> list[str]:
    """Everything on this machine that belongs to one Cove, each as a phrase; empty if nothing is left."""
    group = f"cove-{instance}"
    below = os.walk("/sys/fs/cgroup")  # others make and remove groups meanwhile, which this passes over
    groups = [f"control group {path}/{group}" for path, names, _ in below if group in names]
    living = [f"process {process.pid}" for process in processes_of(group, data)]
    return [*living, *groups, *_mounts(data), *_loop_devices(data), *_sockets(data), *_processes_about(data)]


def _mounts(data: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [f"mount at {line.split()[4]}" for line in lines if str(data) in line]


def _loop_devices(data: Path) -> list[str]:
    backing = Path("/sys/block").glob("loop*/loop/backing_file")
    return [f"loop device {file.parts[3]}" for file in backing if str(data) in _read(file)]


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # the device was given back meanwhile
        return ""


def _sockets(data: Path) -> list[str]:
    lines = Path("/proc/net/unix").read_text().splitlines()
    return [f"socket {line.split()[-1]}" for line in lines if str(data) in line]


def _processes_about(data: Path) -> list[str]:
    """Processes that name the data directory in their arguments: the server and its own."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_bytes()
        except OSError:
            continue
        if str(data).encode() in text:
            found.append(f"process {file.parts[2]}: {text.replace(bytes(1), b' ').decode(errors='replace')[:80]}")
    return found
