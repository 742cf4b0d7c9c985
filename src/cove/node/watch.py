"""Looks after limits that the kernel does not hold for an ordinary user: memory and disk of a session as a whole.

What is above its limit loses its commands, the largest first; its guest and its first process are spared, so that the
session lives to be told. One that goes on after that, to twice the disk that it may have, is ended: somebody means it.
"""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import structlog

from cove.core.errors import SandboxFailed
from cove.core.limits import Limits
from cove.node.cgroups import GUEST_RESERVE
from cove.node.launcher.client import Launcher
from cove.node.launcher.orders import Errand
from cove.node.processes import Processes, members_of, memory_of, signal_members

LIMITS = "limits.json"
"""A sandbox's limits, beside its processes' record."""
_MEMORY_SECONDS, _DISK_SECONDS = 0.5, 2.0
_REST = 20
"""Between two measurements of the disks passes so many times what one takes."""
_QUICK = 0.2
"""Seconds: measurements that take longer are not repeated for everybody who asks."""

_BYTES_PER_FILE = 16384
"""For so many bytes of a disk there is one file at most: what a Linux distribution's disks have."""

_log = structlog.get_logger("cove.node")


class Stored(msgspec.Struct, frozen=True):
    """What a sandbox has on its disk."""

    bytes: int
    files: int

    def share(self, limits: Limits) -> float:
        """Of what it may have; above 1 is too much. Files count as on a file system of that size."""
        return max(self.bytes / limits.disk_bytes, self.files * _BYTES_PER_FILE / limits.disk_bytes)

    def facts(self) -> dict[str, int]:
        """For the log."""
        return {"stored_bytes": self.bytes, "stored_files": self.files}


_NOTHING = Stored(0, 0)


class Watch:
    """Of the sandboxes below one directory, whoever made them. `memory` says whether memory is to be watched."""

    def __init__(self, sandboxes: Path, launcher: Launcher) -> None:
        self._sandboxes = sandboxes
        self._launcher = launcher
        self._stored: dict[str, Stored] = {}
        self._took = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, *, memory: bool) -> None:
        """Begin; ends with `stop`."""
        loops: list[Coroutine[Any, Any, None]] = [self._watch_disks(), *([self._watch_memory()] if memory else [])]
        self._tasks = [asyncio.create_task(loop) for loop in loops]

    async def stop(self) -> None:
        """End."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def disk_bytes(self, session_id: str) -> int:
        """What a sandbox has stored: measured now if that is quick, else as last seen."""
        if self._took < _QUICK:
            with contextlib.suppress(SandboxFailed):  # the launcher is made anew
                self._stored |= await self._measure([session_id])
        return self._stored.get(session_id, _NOTHING).bytes

    async def _watch_memory(self) -> None:
        while True:
            await asyncio.sleep(_MEMORY_SECONDS)
            with contextlib.suppress(OSError):  # something has gone while we looked: look again
                await asyncio.to_thread(self._look_at_memory)

    async def _watch_disks(self) -> None:
        while True:
            await asyncio.sleep(max(_DISK_SECONDS, self._took * _REST))
            with contextlib.suppress(SandboxFailed, OSError):  # the launcher is made anew
                await self._look_at_disks()

    async def _look_at_disks(self) -> None:
        sandboxes = await asyncio.to_thread(self._living)
        found = await self._measure(list(sandboxes))
        before, self._stored = self._stored, {name: found.get(name, _NOTHING) for name in sandboxes}
        for name, (first, limits) in sandboxes.items():
            stored = self._stored[name]
            share, share_before = stored.share(limits), before.get(name, _NOTHING).share(limits)
            if share > 2 and share > share_before > 1:
                _log.warning("sandbox ended: its disk is full twice over", session_id=name, **stored.facts())
                signal_members(first, [first], signal.SIGKILL)
            elif share > 1 and share > share_before:
                _log.warning("commands killed: the disk is full", session_id=name, **stored.facts())
                await asyncio.to_thread(_kill_commands, first)

    async def _measure(self, names: list[str]) -> dict[str, Stored]:
        if not names:
            return {}
        clock = asyncio.get_running_loop().time
        began = clock()
        places = [f"{name}/disk" for name in names]
        found = await self._launcher.run(Errand(name="measure", directory=str(self._sandboxes), arguments=places))
        self._took = clock() - began
        return {place.removesuffix("/disk"): Stored(*stored) for place, stored in found.items()}

    def _living(self) -> dict[str, tuple[int, Limits]]:
        """The first process and the limits of each sandbox that has both."""
        found = {}
        for directory in self._sandboxes.iterdir():
            first = Processes(directory).first()
            with contextlib.suppress(OSError):
                if first is not None:
                    found[directory.name] = first, msgspec.json.decode((directory / LIMITS).read_bytes(), type=Limits)
        return found

    def _look_at_memory(self) -> None:
        sandboxes = self._living()
        members = members_of([first for first, _ in sandboxes.values()])
        for name, (first, limits) in sandboxes.items():
            used = {pid: memory_of(pid) for pid in members[first]}
            if sum(used.values()) > limits.memory_bytes + GUEST_RESERVE:
                spared = {pid for pid in _own(first, members[first]) if used[pid] <= GUEST_RESERVE}
                largest = max((pid for pid in used if pid not in spared), key=used.__getitem__, default=None)
                _log.warning("process killed: the memory is full", session_id=name, used=sum(used.values()))
                if largest is not None:
                    signal_members(first, [largest], signal.SIGKILL)


def _kill_commands(first: int) -> None:
    members = members_of([first])[first]
    signal_members(first, members - _own(first, members), signal.SIGKILL)


def _own(first: int, members: set[int]) -> set[int]:
    """The first process, and its children that are copies of it: the guest."""
    code = _read(f"/proc/{first}/cmdline")
    return {first} | {pid for pid in members if _parent(pid) == first and _read(f"/proc/{pid}/cmdline") == code}


def _parent(pid: int) -> int:
    fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return int(fields[1]) if fields else 0


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError:
        return b""
