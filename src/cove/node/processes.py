"""A sandbox's processes where no control group is ours: found by their pid namespace, stopped and ended by signals.

What a control group does at once and for the kernel's own sake is done here from outside, again and again until it is
so: a sandbox stands still once a whole round finds every process of it stopped. Nobody inside can undo that, since
nobody inside runs.
"""

import contextlib
import os
import signal
from collections.abc import Collection
from pathlib import Path

import msgspec

from cove.core.ports import Facts
from cove.node.facts import start_time

RECORD = "process.json"
"""The launcher's note of a sandbox's first process, written before that process does anything."""
_STOPPED_BEFORE = "stopped.json"
_STILL, _DEAD = "Tt", "ZX"
_TICKS = os.sysconf("SC_CLK_TCK")


class Processes:
    """The processes of the sandbox that lives in `directory`; implements `ground.Members`."""

    is_quick = False

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def first(self) -> int | None:
        """The first process, by its number on the host; None if there is none, or another one has its number."""
        try:
            facts: Facts = msgspec.json.decode((self._directory / RECORD).read_bytes())
            return int(facts["pid"]) if start_time(int(facts["pid"])) == facts["start_time"] else None
        except (OSError, KeyError, msgspec.DecodeError):
            return None

    def holds(self, pid: int) -> bool:
        """Whether `pid` is the sandbox's first process."""
        return self.first() == pid

    def members(self) -> set[int]:
        """Every process, by its number on the host; one that is born or given away meanwhile may be missed."""
        first = self.first()
        return set() if first is None else _family(first)

    def _everyone(self) -> set[int]:
        """The same, with none that was there all the while missed: it looks at each process of the machine."""
        first = self.first()
        return set() if first is None else members_of([first])[first]

    def freeze(self, frozen: bool) -> None:
        """Stop every process, or let those go on that we stopped; it is done when `is_frozen` says so."""
        if frozen:
            self._remember_stopped()
            self._stop()
        else:
            self._signal(self._everyone() - self._stopped_before(), signal.SIGCONT)
            (self._directory / _STOPPED_BEFORE).unlink(missing_ok=True)

    def is_frozen(self) -> bool:
        """Whether every process stands still; while a pause is under way, this stops those that were just born."""
        if not (self._directory / _STOPPED_BEFORE).exists():
            return False
        return self._stop()

    def _stop(self) -> bool:
        """One round; says whether it found nobody running."""
        moving = [pid for pid in self._everyone() if _state(pid) not in _STILL + _DEAD]
        self._signal(moving, signal.SIGSTOP)
        return not moving

    def _signal(self, pids: Collection[int], number: int) -> None:
        if (first := self.first()) is not None:
            signal_members(first, pids, number)

    def _remember_stopped(self) -> None:
        """Those that stand still of their own accord stay so after the resume; a second pause knows no better."""
        note = self._directory / _STOPPED_BEFORE
        if not note.exists():
            note.write_bytes(msgspec.json.encode([pid for pid in self._everyone() if _state(pid) in _STILL]))

    def _stopped_before(self) -> set[int]:
        try:
            return set(msgspec.json.decode((self._directory / _STOPPED_BEFORE).read_bytes(), type=list[int]))
        except OSError:
            return set()

    def kill(self) -> None:
        """SIGKILL for the first process, and so for all. Does not wait."""
        if (first := self.first()) is not None:
            signal_members(first, [first], signal.SIGKILL)

    def cpu_seconds(self) -> float:
        """Processor time of the living, and of the dead that somebody waited for."""
        return sum(_ticks(pid) for pid in self.members()) / _TICKS

    def memory_bytes(self) -> int:
        """Memory in use; what several processes share is counted once for each."""
        return sum(memory_of(pid) for pid in self.members())

    def has_starved(self) -> bool:
        """Not known without a control group, by which the kernel counts whom it killed for want of memory."""
        return False


def members_of(firsts: list[int]) -> dict[int, set[int]]:
    """The processes of several sandboxes, by the first process of each; one look through /proc finds all."""
    by_namespace = {_namespace(first): first for first in firsts}
    found: dict[int, set[int]] = {first: set() for first in firsts}
    for name in os.listdir("/proc") if firsts else ():
        if name.isdecimal() and (space := _namespace(int(name))) is not None and space in by_namespace:
            found[by_namespace[space]].add(int(name))
    return found


def _family(first: int) -> set[int]:
    """A process and all that descend from it, as their parents' threads name them, where the kernel has them do so."""
    if not Path(f"/proc/{first}/task/{first}/children").exists():
        return members_of([first])[first]
    found, ahead = {first}, [first]
    while ahead:
        for task in _tasks(ahead.pop()):
            children = {int(name) for name in _words(task / "children")} - found
            found |= children
            ahead += children
    return found


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def memory_of(pid: int) -> int:
    """Bytes of anonymous and shared memory of a process; 0 if it is gone. Any living thread tells it for all."""
    told = _memory_told_in(Path(f"/proc/{pid}"))
    return told or max(map(_memory_told_in, _tasks(pid)), default=0)


def _memory_told_in(place: Path) -> int:
    try:
        lines = (place / "status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "RssShmem:")))


def _namespace(pid: int) -> str | None:
    """A process's; one whose first thread has ended shows it in another, and a dead one nowhere."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return next((space for task in _tasks(pid) if (space := _link(task / "ns/pid"))), None)


def _link(place: Path) -> str | None:
    try:
        return os.readlink(place)
    except OSError:
        return None


def _fields(pid: int) -> list[str]:
    return _fields_of(Path(f"/proc/{pid}"))


def _fields_of(place: Path) -> list[str]:
    """From the third field of /proc/PID/stat on; those of a dead process if it is gone."""
    try:
        return (place / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", *["0"] * 20]


def _state(pid: int) -> str:
    """The first thread's, which stops with the others; where that one has ended before them, another's."""
    state = _fields(pid)[0]
    if state != "Z":
        return state
    return next((other for task in _tasks(pid) if (other := _fields_of(task)[0]) not in _DEAD), state)


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _ticks(pid: int) -> int:
    return sum(int(field) for field in _fields(pid)[11:15])


def signal_members(first: int, pids: Collection[int], number: int) -> None:
    """Signal processes of the sandbox of `first`, and nobody who has got the number of one that ended meanwhile."""
    space = _namespace(first)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                if space is not None and _namespace(pid) == space:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)
