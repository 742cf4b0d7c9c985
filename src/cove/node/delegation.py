"""The part of the control groups (v2) that a service manager has given to an ordinary user, if it has.

`systemd-run --user --scope -p Delegate=yes cove up`, or `Delegate=yes` in a unit, gives one. In it the user makes
groups and moves his own processes; one from elsewhere cannot be moved in, so the server
must have been started there.
"""

import os
from pathlib import Path

from cove.core.limits import Limits
from cove.node.cgroups import Group, Hierarchies, find_hierarchies, remove_instance
from cove.node.processes import Processes

_OWN = "cove-server"
"""The group of the server itself: a group that hands controllers down may hold no process. With systemd 254 and later
`DelegateSubgroup=cove-server` puts it there from the start."""
_NEEDED = ("memory", "cpu", "pids")


class Delegation:
    """`place` is the group that is ours, None without one; `controllers` are those that limit what is in it."""

    def __init__(self, place: Path | None, controllers: tuple[str, ...], instance: str) -> None:
        self.place = place
        self.controllers = controllers
        self._instance = instance

    @classmethod
    def here(cls, instance: str, *, mounted: Path | None = None, membership: str | None = None) -> "Delegation":
        """What is delegated to this process; by default read from where v2 is mounted and from /proc/self/cgroup."""
        v2 = mounted or find_hierarchies().v2
        place = _own_group(v2, Path("/proc/self/cgroup").read_text() if membership is None else membership)
        if place is not None and place.name == _OWN:
            place = place.parent
        if place is None or not _is_ours(place):
            return cls(None, (), instance)
        offered = (place / "cgroup.controllers").read_text().split()
        return cls(place, tuple(name for name in _NEEDED if name in offered), instance)

    @property
    def has_limits(self) -> bool:
        """Whether the kernel limits memory, processors and processes of each sandbox."""
        return len(self.controllers) == len(_NEEDED)

    def take_place(self) -> None:
        """Move this process where it does not stand in the way of the controllers; without that there are none."""
        if self.place is None or not self.controllers:
            return
        try:
            (self.place / _OWN).mkdir(exist_ok=True)
            (self.place / _OWN / "cgroup.procs").write_text(str(os.getpid()))
            (self.place / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in self.controllers))
        except OSError:  # somebody else is in the group: a shell, say
            self.controllers = ()

    def leave(self) -> None:
        """Remove our group where no sandbox is left in it."""
        if self.place is not None:
            remove_instance(self._hierarchies(self.place), self._instance)

    def group(self, session_id: str, place: Path) -> Group:
        """A sandbox's groups below `place`, which another server may have been given."""
        return Group(self._hierarchies(place), self._instance, session_id)

    def _hierarchies(self, place: Path) -> Hierarchies:
        return Hierarchies(v2=place, v2_controllers=self.controllers if place == self.place else (), v1={})

    def make(self, session_id: str, limits: Limits) -> None:
        """Make a sandbox's groups, where we have a place; raises OSError."""
        if self.place is not None:
            self.group(session_id, self.place).create(limits)


class GroupedProcesses(Processes):
    """Processes in a delegated group, which freezes and ends them; what it does not count is counted as without one."""

    is_quick = True

    def __init__(self, directory: Path, group: Group, *, is_counted: bool) -> None:
        super().__init__(directory)
        self.group = group
        self._is_counted = is_counted

    def members(self) -> set[int]:
        """As the group says."""
        return self.group.members()

    def freeze(self, frozen: bool) -> None:
        """By the group."""
        self.group.freeze(frozen)

    def is_frozen(self) -> bool:
        """As the group says."""
        return self.group.is_frozen()

    def kill(self) -> None:
        """By the group."""
        self.group.kill()

    def cpu_seconds(self) -> float:
        """As the group counts."""
        return self.group.cpu_seconds() if self._is_counted else super().cpu_seconds()

    def memory_bytes(self) -> int:
        """As the group counts."""
        return self.group.memory_bytes() if self._is_counted else super().memory_bytes()


def _own_group(v2: Path | None, membership: str) -> Path | None:
    paths = [line[3:] for line in membership.splitlines() if line.startswith("0::/")]
    return v2 / paths[0].lstrip("/") if v2 is not None and paths else None


def _is_ours(place: Path) -> bool:
    try:
        files = [place, place / "cgroup.procs", place / "cgroup.subtree_control"]
        return all(file.stat().st_uid == os.geteuid() and os.access(file, os.W_OK) for file in files)
    except OSError:
        return False
