"""What of one Cove is on this machine, as the kernel tells it: nothing here asks Cove."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cove.node.cgroups import find_hierarchies

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


class World(msgspec.Struct, frozen=True):
    """Where to look: the Cove's data directory, its instance id, and the user ids that only its sandboxes have."""

    data: Path
    instance: str
    first_uid: int
    slots: int

    def groups(self) -> dict[str, set[str]]:
        """The sessions that have a control group, by hierarchy."""
        parents = {root: root / f"cove-{self.instance}" for root in hierarchies()}
        return {str(root): directories(parent) for root, parent in parents.items() if parent.is_dir()}

    def group_of(self, pid: int) -> str | None:
        """The session in whose control groups the process is."""
        found = re.search(rf"/cove-{self.instance}/([^/\n]+)", _read(f"/proc/{pid}/cgroup"))
        return found[1] if found else None

    def processes(self) -> dict[int, str | None]:
        """Each process that is in a control group or has a user id of ours, and the session of its group."""
        ids = range(self.first_uid, self.first_uid + self.slots * 65536)
        found = {pid: self.group_of(pid) for pid in pids()}
        return {pid: session for pid, session in found.items() if session or uid_of(pid) in ids}

    def directories(self) -> set[str]:
        """The sessions that have a directory."""
        return directories(self.data / "sandboxes")

    def loops(self) -> list[str]:
        """The files of the data directory that stand behind a loop device."""
        return loops_below(self.data)

    def mounts(self, pids: list[int]) -> list[str]:
        """Mounts of ours that show in the mount tables of these processes."""
        tables = {pid: _read(f"/proc/{pid}/mountinfo").splitlines() for pid in pids}
        return [line for table in tables.values() for line in table if str(self.data) in line or "/dev/loop" in line]

    def sockets(self) -> list[str]:
        """Named unix sockets below the data directory, with the names as they were bound."""
        return sorted(line.split()[-1] for line in _read("/proc/net/unix").splitlines() if str(self.data) in line)

    def files(self) -> list[str]:
        """Every file and directory of the data directory, but for what is rendered once."""
        rendered = ("images", "runtime", "disks")
        return sorted(str(path) for path in self._walk() if path.relative_to(self.data).parts[0] not in rendered)

    def _walk(self) -> Iterator[Path]:
        return (Path(root, name) for root, folders, files in os.walk(self.data) for name in (*folders, *files))


def hierarchies() -> list[Path]:
    """The root of every control group hierarchy of this machine, each once."""
    found = find_hierarchies()
    return list(dict.fromkeys([*([found.v2] if found.v2 else []), *found.v1.values()]))


def loops_below(place: Path) -> list[str]:
    """The files at or below `place`, deleted ones too, that stand behind a loop device."""
    backing = (_read(file).strip() for file in Path("/sys/block").glob("loop*/loop/backing_file"))
    return sorted(path for path in backing if path.startswith(str(place.resolve())))


def pids() -> list[int]:
    """Every process."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def uid_of(pid: int) -> int:
    """The user id of a process, -1 if it is gone."""
    found = re.search(r"^Uid:\t(\d+)", _read(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[1]) if found else -1


def parents() -> dict[int, int]:
    """The parent of every process, the dead that nobody has buried included."""
    stats = {pid: _read(f"/proc/{pid}/stat") for pid in pids()}
    return {pid: int(stat.rpartition(")")[2].split()[1]) for pid, stat in stats.items() if stat}


def children(pid: int) -> list[int]:
    """The children of a process, unburied ones included."""
    return [child for child, parent in parents().items() if parent == pid]


def is_alive(pid: int) -> bool:
    """Whether the process is there and not merely unburied."""
    stat = _read(f"/proc/{pid}/stat")
    return bool(stat) and stat.rpartition(")")[2].split()[0] not in "ZX"


def command_of(pid: int) -> list[str]:
    """The words with which a process was started; none for a dead one."""
    return [word for word in _read(f"/proc/{pid}/cmdline").split("\0") if word]


def descriptors(pid: int) -> Counter[str]:
    """What a process has open: how many of each kind, or of each file."""
    kinds: Counter[str] = Counter()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            kinds[re.sub(r":\[\d+\]", "", os.readlink(f"/proc/{pid}/fd/{name}"))] += 1
        except FileNotFoundError:  # closed since it was listed
            continue
    return kinds


def threads(pid: int) -> int:
    """How many threads a process has."""
    return len(os.listdir(f"/proc/{pid}/task"))


def namespaces(pids: list[int]) -> set[str]:
    """The namespaces that these processes are in or hold open."""
    found = set()
    for pid in pids:
        links = [f"/proc/{pid}/ns/{kind}" for kind in NAMESPACES]
        try:
            links += [f"/proc/{pid}/fd/{name}" for name in os.listdir(f"/proc/{pid}/fd")]
            targets = {os.readlink(link) for link in links}
        except OSError:  # it has ended
            continue
        found |= {target for target in targets if target.partition(":")[0] in NAMESPACES}
    return found


def directories(parent: Path) -> set[str]:
    """The names of the directories in it; none if it is not there."""
    return {path.name for path in parent.iterdir() if path.is_dir()} if parent.is_dir() else set()


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
