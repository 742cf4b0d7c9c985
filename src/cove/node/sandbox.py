"""One living sandbox as the node sees it: its process, its groups, its guest's door, and whether it stands still."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cove.core.errors import SandboxGone
from cove.core.ids import SessionId
from cove.core.limits import Limits
from cove.core.ports import Facts
from cove.core.results import Metrics
from cove.core.session import EndReason
from cove.node.facts import boot_id, start_time
from cove.node.ground import Members
from cove.node.guests import GuestDoor

T = TypeVar("T")
_FREEZE_PATIENCE = 10.0
_APART = 0.1
"""Seconds between measurements that give new rates, so that several who look do not spoil each other's."""


class Sandbox:
    """Made by the driver, from a birth or from an adoption; `close` lets go of it without ending it."""

    def __init__(
        self, session_id: SessionId, group: Members, directory: Path, *, pid: int, pidfd: int, limits: Limits
    ) -> None:
        self.session_id = session_id
        self.pid = pid
        self.limits = limits
        self.door = GuestDoor(session_id, directory, lambda: self.frozen)
        self.frozen = False
        self._group = group
        self._pidfd = pidfd
        self._rates: tuple[float, ...] = (0.0, 0.0, 0.0)
        self._sample = (time.monotonic(), group.cpu_seconds(), 0, 0)

    def watch(self, on_end: Callable[[SessionId], None]) -> None:
        """Call `on_end` once the first process, and with it every other, is gone."""
        asyncio.get_running_loop().add_reader(self._pidfd, self._ended, on_end)

    def _ended(self, on_end: Callable[[SessionId], None]) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        on_end(self.session_id)

    def close(self) -> None:
        """Stop watching."""
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1

    @property
    def pidfd(self) -> int:
        """The first process's, valid until `close`."""
        return self._pidfd

    async def set_frozen(self, frozen: bool) -> None:
        """Freeze or thaw, and return when the kernel says that it is so; raises TimeoutError, thawed again."""
        if frozen:
            self.frozen = True
        await self._apart(self._group.freeze, frozen)
        try:
            async with asyncio.timeout(_FREEZE_PATIENCE):
                while await self._apart(self._group.is_frozen) is not frozen:  # noqa: ASYNC110 - the kernel tells nobody
                    await asyncio.sleep(0.0005)
        except TimeoutError:
            await self._apart(self._group.freeze, False)
            self.frozen = False
            raise
        self.frozen = frozen

    async def _apart(self, act: Callable[..., T], *arguments: bool) -> T:
        """Done here where that is quick, and in a thread where it is not."""
        return act(*arguments) if self._group.is_quick else await asyncio.to_thread(act, *arguments)

    def metrics(self, rx: int, tx: int, disk_bytes: int) -> Metrics:
        """Measured from outside; the rates are those since the measurement before, or since one just before that."""
        now, cpu = time.monotonic(), self._group.cpu_seconds()
        then, cpu_then, rx_then, tx_then = self._sample
        seconds = now - then
        if seconds >= _APART:
            self._sample = (now, cpu, rx, tx)
            self._rates = tuple((new - old) / seconds for new, old in ((cpu, cpu_then), (rx, rx_then), (tx, tx_then)))
        cpu_rate, rx_rate, tx_rate = self._rates
        return Metrics(
            cpu_count=self.limits.cpus,
            cpu_used_pct=round(100 * cpu_rate / self.limits.cpus, 2),
            mem_total=self.limits.memory_bytes,
            mem_used=min(self._group.memory_bytes(), self.limits.memory_bytes),  # the guest's is beside the limit
            disk_total=self.limits.disk_bytes,
            disk_used=disk_bytes,
            rx_bytes=rx,
            tx_bytes=tx,
            rx_bytes_per_s=rx_rate,
            tx_bytes_per_s=tx_rate,
            timestamp=time.time(),
            processes=len(self._group.members()),
        )


def open_again(session_id: SessionId, facts: Facts, group: Members) -> int:
    """A pidfd of the process that `facts` describe; raises SandboxGone with the reason if it is no more."""
    if facts.get("boot_id") != boot_id():
        raise SandboxGone(session_id=session_id, end_reason=EndReason.REBOOT.value)
    try:
        pidfd = os.pidfd_open(int(facts["pid"]))
    except (OSError, KeyError, ValueError) as error:
        raise SandboxGone(session_id=session_id, end_reason=end_reason(group).value) from error
    if _is_same(facts, group):
        return pidfd
    os.close(pidfd)
    raise SandboxGone(session_id=session_id, end_reason=end_reason(group).value)


def end_reason(group: Members) -> EndReason:
    """Why a sandbox has ended that nobody ended, as far as its processes' groups tell."""
    return EndReason.OOM if group.has_starved() else EndReason.LOST


def _is_same(facts: Facts, group: Members) -> bool:
    """Asked after the pidfd was opened, so that the number cannot change hands in between."""
    try:
        return start_time(int(facts["pid"])) == facts["start_time"] and group.holds(int(facts["pid"]))
    except OSError:
        return False
