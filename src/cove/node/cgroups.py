"""A sandbox's control groups, on v2, on v1, and where both are mounted side by side.

Every sandbox has a group with two children: `guest` for our own process and `work` for what its tools start. The memory
limit is on `work`, which is killed as a whole where the kernel can; the guest has a bounded reserve outside it, so that
it lives to tell. Everything else is limited for the sandbox as a whole.
"""

import os
import time
from pathlib import Path

import msgspec

from cove.core.limits import MIB, Limits

GUEST_RESERVE = 256 * MIB
"""What the guest itself may use: its buffers of several outputs of the largest limit."""
_PERIOD_US = 100_000
_V1_CONTROLLERS = ("memory", "cpu", "cpuacct", "pids", "devices", "freezer")
_V2_CONTROLLERS = ("memory", "cpu", "pids")
_DEVICES = ("c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2", "c 136:*")
"""null, zero, full, random, urandom, tty, ptmx and pseudo-terminals: the nodes of the sandbox's /dev."""


class Hierarchies(msgspec.Struct, frozen=True, kw_only=True):
    """Where this machine's controllers are mounted: `v2` with or without controllers of its own, and v1 by name."""

    v2: Path | None
    v2_controllers: tuple[str, ...]
    v1: dict[str, Path]

    @property
    def kind(self) -> str:
        """ "v2", "v1" or "hybrid"."""
        if not self.v1:
            return "v2"
        return "hybrid" if self.v2 else "v1"

    def missing(self) -> list[str]:
        """Controllers that neither version offers here; a v2 mount freezes without a controller."""
        needed = _V2_CONTROLLERS if self.v2 else (*_V2_CONTROLLERS, "freezer")
        return [name for name in needed if name not in self.v2_controllers and name not in self.v1]


def find_hierarchies(mountinfo: str | None = None) -> Hierarchies:
    """Read them from /proc/self/mountinfo, or from text of that form."""
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    v2: Path | None = None
    v1: dict[str, Path] = {}
    for line in text.splitlines():
        place, _, rest = line.partition(" - ")
        kind, _, options = rest.split(" ", 2)
        path = Path(place.split()[4])
        if kind == "cgroup2" and v2 is None:
            v2 = path
        elif kind == "cgroup":
            v1 |= {name: path for name in options.split(",") if name in _V1_CONTROLLERS}
    controllers = (v2 / "cgroup.controllers").read_text().split() if v2 and mountinfo is None else []
    offered = tuple(name for name in _V2_CONTROLLERS if name in controllers)
    return Hierarchies(
        v2=v2, v2_controllers=offered, v1={name: path for name, path in v1.items() if name not in offered}
    )


class Group:
    """The control groups of one sandbox: `<hierarchy>/cove-<instance>/<session>/{guest,work}` in each hierarchy."""

    is_quick = True

    def __init__(self, hierarchies: Hierarchies, instance: str, session_id: str) -> None:
        self._at = hierarchies
        self._name = f"cove-{instance}/{session_id}"

    def create(self, limits: Limits) -> None:
        """Make the groups and set the limits; raises OSError where the kernel refuses one."""
        for root in self._roots():
            (root / self._name).mkdir(parents=True, exist_ok=True)
            for child in ("guest", "work") if self._has_children(root) else ():
                (root / self._name / child).mkdir(exist_ok=True)
        if self._at.v2 and self._at.v2_controllers:
            self._delegate(self._at.v2)
        for path, value in self._settings(limits):
            path.write_text(value)

    def _roots(self) -> list[Path]:
        roots = [path for name, path in self._at.v1.items() if name != "freezer" or self._at.v2 is None]
        return list(dict.fromkeys([*([self._at.v2] if self._at.v2 else []), *roots]))

    def _has_children(self, root: Path) -> bool:
        """Only where memory is limited; v1's `devices` refuses a rule on a group with children."""
        return root in (self._at.v2, self._at.v1.get("memory"))

    def _delegate(self, v2: Path) -> None:
        """A v2 controller works in a group once every group above it hands it down."""
        wanted = " ".join(f"+{name}" for name in self._at.v2_controllers)
        for group in (v2, v2 / self._name.split("/")[0], v2 / self._name):
            (group / "cgroup.subtree_control").write_text(wanted)

    def _settings(self, limits: Limits) -> list[tuple[Path, str]]:
        """Every file to write, in order."""
        quota = int(limits.cpus * _PERIOD_US)
        settings = []
        if (root := self._root("memory", v2=True)) is not None:
            settings += [
                (root / "work/memory.max", str(limits.memory_bytes)),
                (root / "work/memory.oom.group", "1"),
                (root / "guest/memory.max", str(GUEST_RESERVE)),
                *((root / child / "memory.swap.max", "0") for child in ("guest", "work") if _has_swap(root / child)),
            ]
        if (root := self._root("memory", v2=False)) is not None:
            settings += [
                (root / "work/memory.limit_in_bytes", str(limits.memory_bytes)),
                (root / "guest/memory.limit_in_bytes", str(GUEST_RESERVE)),
            ]
        if (root := self._root("cpu", v2=True)) is not None:
            settings.append((root / "cpu.max", f"{quota} {_PERIOD_US}"))
        if (root := self._root("cpu", v2=False)) is not None:
            settings += [(root / "cpu.cfs_period_us", str(_PERIOD_US)), (root / "cpu.cfs_quota_us", str(quota))]
        for version in (True, False):
            if (root := self._root("pids", v2=version)) is not None:
                settings.append((root / "pids.max", str(limits.pids)))
        if (root := self._root("devices", v2=False)) is not None:
            settings += [(root / "devices.deny", "a"), *((root / "devices.allow", f"{node} rw") for node in _DEVICES)]
        return settings

    def _root(self, controller: str, *, v2: bool) -> Path | None:
        """The sandbox's group in the hierarchy that has `controller`, if it is of that version."""
        if v2:
            return self._at.v2 / self._name if self._at.v2 and controller in self._at.v2_controllers else None
        root = self._at.v1.get(controller)
        return root / self._name if root else None

    def born_in(self) -> Path | None:
        """The v2 group that the guest is to be born in."""
        return self._at.v2 / self._name / "guest" if self._at.v2 else None

    def join(self) -> list[Path]:
        """The v1 files into which the guest's only thread writes 0 to become a member.

        `tasks`, not `cgroup.procs`: a thread that moves itself does not wait for the kernel to quiesce.
        """
        roots = [root for root in self._roots() if root != self._at.v2]
        return [root / self._name / ("guest" if self._has_children(root) else "") / "tasks" for root in roots]

    def work_files(self) -> list[Path]:
        """The files into which a command's only thread writes 0 to be counted in `work`: only memory differs."""
        if (root := self._root("memory", v2=True)) is not None:
            return [root / "work/cgroup.procs"]
        root = self._root("memory", v2=False)
        return [root / "work/tasks"] if root else []

    def exists(self) -> bool:
        """Whether anything of the groups is left."""
        return any((root / self._name).exists() for root in self._roots())

    def holds(self, pid: int) -> bool:
        """Whether the process is a member, as the kernel says."""
        try:
            return any(f"/{self._name}/" in f"{line}/" for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
        except OSError:
            return False

    def freeze(self, frozen: bool) -> None:
        """Ask the kernel to freeze or thaw; it is done when `is_frozen` says so."""
        if self._at.v2:
            (self._at.v2 / self._name / "cgroup.freeze").write_text(str(int(frozen)))
        else:
            (self._at.v1["freezer"] / self._name / "freezer.state").write_text("FROZEN" if frozen else "THAWED")

    def is_frozen(self) -> bool:
        """Whether every process stands still."""
        if self._at.v2:
            return "frozen 1" in (self._at.v2 / self._name / "cgroup.events").read_text()
        return (self._at.v1["freezer"] / self._name / "freezer.state").read_text().strip() == "FROZEN"

    def members(self) -> set[int]:
        """The processes of the sandbox, by their ids on the host."""
        root = self._at.v2 or self._at.v1["freezer"]
        files = (root / self._name).glob("**/cgroup.procs")
        return {int(pid) for file in files for pid in file.read_text().split()}

    def kill(self) -> None:
        """SIGKILL for every process, frozen or not. Does not wait."""
        if not ((self._at.v2 or self._at.v1["freezer"]) / self._name).exists():
            return  # half made, or half removed by a server that died: no process can be in what is left
        if self._at.v2 and (self._at.v2 / self._name / "cgroup.kill").exists():
            (self._at.v2 / self._name / "cgroup.kill").write_text("1")
            return
        self.freeze(True)  # so that nothing forks away between the listing and the signal
        for pid in self.members():
            _kill(pid)
        self.freeze(False)

    def remove(self, deadline: float = 10.0) -> None:
        """Kill what lives and remove the groups; raises TimeoutError if processes outlast `deadline` seconds."""
        end = time.monotonic() + deadline
        while self.exists():
            if self._remove_once():
                return
            if time.monotonic() > end:
                raise TimeoutError(f"processes {sorted(self.members())} do not end")
            time.sleep(0.002)

    def _remove_once(self) -> bool:
        try:
            self.kill()
            for root in self._roots():
                for group in (root / self._name / "guest", root / self._name / "work", root / self._name):
                    _remove_directory(group)
        except OSError:  # busy: a process has been killed and is not gone yet
            return False
        return True

    def cpu_seconds(self) -> float:
        """Processor time used so far."""
        if (root := self._root("cpu", v2=True)) is not None:
            return field_of(root / "cpu.stat", "usage_usec") / 1e6
        root = self._at.v1.get("cpuacct")
        return int((root / self._name / "cpuacct.usage").read_text()) / 1e9 if root else 0.0

    def memory_bytes(self) -> int:
        """Memory in use by the guest and what its tools started, without page cache that could be dropped."""
        root = self._root("memory", v2=True) or self._root("memory", v2=False)
        return memory_in_use(root) if root else 0

    def has_starved(self) -> bool:
        """Whether the kernel has killed the guest or pid 1 for want of memory: theirs, or the machine's."""
        files = (
            (self._root("memory", v2=True), "memory.events"),
            (self._root("memory", v2=False), "memory.oom_control"),
        )
        try:
            return any(field_of(root / "guest" / name, "oom_kill") > 0 for root, name in files if root is not None)
        except OSError:  # removed meanwhile, or by somebody else: nothing is known
            return False


def memory_in_use(group: Path) -> int:
    """Bytes that a group of either version holds, with those below it, without page cache that could be dropped."""
    is_v2 = (group / "memory.current").exists()
    used, droppable = ("memory.current", "inactive_file") if is_v2 else ("memory.usage_in_bytes", "total_inactive_file")
    return max(0, int((group / used).read_text()) - field_of(group / "memory.stat", droppable))


def session_names(hierarchies: Hierarchies, instance: str) -> set[str]:
    """The sessions of this instance of which a group is left in any hierarchy."""
    roots = [*([hierarchies.v2] if hierarchies.v2 else []), *hierarchies.v1.values()]
    parents = [root / f"cove-{instance}" for root in roots]
    return {path.name for parent in parents if parent.is_dir() for path in parent.iterdir() if path.is_dir()}


def remove_instance(hierarchies: Hierarchies, instance: str) -> None:
    """Remove the instance's own groups, where no sandbox is left in them."""
    for root in {*hierarchies.v1.values(), *([hierarchies.v2] if hierarchies.v2 else [])}:
        try:
            _remove_directory(root / f"cove-{instance}")
        except OSError:  # a sandbox lives in it: it outlives this server
            continue


def _has_swap(group: Path) -> bool:
    return (group / "memory.swap.max").exists()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _remove_directory(path: Path) -> None:
    try:
        path.rmdir()
    except FileNotFoundError:
        return


def field_of(file: Path, name: str) -> int:
    """A number of a file that has a name and a number in each line; 0 where there is none of that name."""
    for line in file.read_text().splitlines():
        words = line.split()
        if words[0] == name:
            return int(words[1])
    return 0
