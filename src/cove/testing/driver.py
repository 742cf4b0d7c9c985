"""A driver without isolation: each sandbox is a directory and a guest in this process. The tools are the real ones."""

import asyncio
import os
import shutil
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from cove.core.errors import CallNotFound, NothingListening, SandboxGone, ToolFailed
from cove.core.ids import CallId, SessionId
from cove.core.image import Image
from cove.core.limits import GIB, Limits
from cove.core.network import Connection, NetworkPolicy
from cove.core.ports import Facts, Isolation, Lost, SandboxSpec
from cove.core.results import Metrics, Watching
from cove.core.session import EndReason
from cove.core.terminal import Opened, OpenTerminal, TerminalView
from cove.core.tool import Outcome
from cove.guest import Guest, GuestSettings
from cove.guest.answers import answer_of
from cove.guest.watches import Watches
from cove.node.terminals import GuestTerminal, refusal
from cove.node.watches import GuestWatch, check_begun

Before = Callable[[str, SessionId], Awaitable[None]]
_PLACES = ("home/wuying", "tmp", "root")


async def nothing_before(_operation: str, _session_id: SessionId) -> None:
    """What happens before an operation where a test wants nothing to."""


class _Sandbox:
    def __init__(self, directory: Path, limits: Limits) -> None:
        self.limits = limits
        self._frozen = directory / ".frozen"  # so that a later driver adopts it as it was
        self.goes_on = asyncio.Event()
        if not self._frozen.exists():
            self.goes_on.set()
        settings = GuestSettings(
            root=str(directory),
            switch_user=False,
            fork_file_tools=False,
            output_bytes=limits.output_bytes,
            uid=os.getuid(),
            gid=os.getgid(),
        )
        self.guest = Guest(settings)

    def freeze(self) -> None:
        self._frozen.touch()
        self.goes_on.clear()

    def thaw(self) -> None:
        self._frozen.unlink(missing_ok=True)
        self.goes_on.set()

    def end_terminals(self) -> None:
        for terminal in self.guest.terminals.list().terminals:
            with suppress(ToolFailed):  # it has ended by itself
                self.guest.terminals.kill(terminal.terminal_id)


class SimulatedDriver:
    """Implements the `Driver` port below `directory`. A later driver on the same directory adopts what is there.

    `before` is awaited before each operation with its name and session: to make it fail, or wait. `memory` is how many
    bytes the machine seems to have free.
    `ports` says which port of this machine stands for one inside; without a line it is the same number.
    A call made during a pause waits for the resume; what runs already is not frozen.
    """

    def __init__(self, directory: Path) -> None:
        self.before: Before = nothing_before
        self.memory = 1024 * GIB
        self.ports: dict[int, int] = {}
        self.networks: dict[SessionId, NetworkPolicy] = {}
        self._directory = directory
        self._sandboxes: dict[SessionId, _Sandbox] = {}
        self._on_lost: Lost | None = None
        self._threads = ThreadPoolExecutor(64, "simulated-guest")

    async def start(self, on_lost: Lost) -> None:
        """Remember whom to tell of lost sandboxes."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._on_lost = on_lost

    async def stop(self) -> None:
        """Forget the sandboxes, and end their terminals, which nobody will find again; their directories stay."""
        for sandbox in self._sandboxes.values():
            sandbox.end_terminals()
        self._sandboxes.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def isolation(self) -> Isolation:
        """None at all, and it says so."""
        return Isolation(
            driver="simulated", kernel_boundary="none", controls={}, notes=["commands run on this machine"]
        )

    def free_memory(self) -> int:
        """What `memory` says, so that a test can let it run out."""
        return self.memory

    async def fingerprint(self, image: Image) -> str:
        """Every sandbox holds this machine's own files."""
        return f"simulated-{image.id}"

    async def create(self, spec: SandboxSpec) -> Facts:
        """A directory with a home and a non-empty /tmp."""
        await self.before("create", spec.session_id)
        root = self._directory / spec.session_id
        for place in _PLACES:
            (root / place).mkdir(parents=True, exist_ok=True)
        (root / "tmp" / ".cove").touch()
        self._sandboxes[spec.session_id] = _Sandbox(root, spec.limits)
        self.networks[spec.session_id] = spec.network
        return {"simulated": True, "output_bytes": spec.limits.output_bytes}

    async def adopt(self, session_id: SessionId, facts: Facts) -> None:
        """Take the directory up again."""
        await self.before("adopt", session_id)
        root = self._directory / session_id
        if not root.is_dir():
            raise SandboxGone(session_id=session_id, end_reason=EndReason.LOST)
        self._sandboxes[session_id] = _Sandbox(root, Limits(output_bytes=facts["output_bytes"]))

    async def call(self, session_id: SessionId, call_id: CallId, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Run a tool in this process, in a thread."""
        await self.before("call", session_id)
        sandbox = self._living(session_id)
        await sandbox.goes_on.wait()
        loop = asyncio.get_running_loop()
        outcome = await loop.run_in_executor(self._threads, sandbox.guest.call, tool, arguments, call_id)
        await sandbox.goes_on.wait()
        self._living(session_id)
        return outcome

    async def cancel(self, session_id: SessionId, call_id: CallId) -> None:
        """End a call."""
        if not self._living(session_id).guest.cancel(call_id):
            raise CallNotFound(call_id=call_id, session_id=session_id)

    async def dial(self, session_id: SessionId, port: int) -> socket.socket:
        """Connect to this machine's loopback, since that is where commands of a simulated sandbox listen."""
        await self.before("dial", session_id)
        self._living(session_id)
        dialled = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        try:
            await asyncio.get_running_loop().sock_connect(dialled, ("127.0.0.1", self.ports.get(port, port)))
        except OSError as error:
            dialled.close()
            raise NothingListening(session_id=session_id, port=port) from error
        return dialled

    async def open_terminal(self, session_id: SessionId, wish: OpenTerminal) -> GuestTerminal:
        """A true terminal on this machine."""
        await self.before("open_terminal", session_id)
        guest = self._living(session_id).guest
        outcome = await asyncio.to_thread(answer_of, lambda: guest.terminals.open(wish))
        return self._shown(session_id, outcome.outcome(), "")

    async def attach_terminal(self, session_id: SessionId, terminal_id: str) -> GuestTerminal:
        """Look at one."""
        guest = self._living(session_id).guest
        return self._shown(session_id, answer_of(lambda: guest.terminals.check(terminal_id)).outcome(), terminal_id)

    async def terminals(self, session_id: SessionId) -> list[TerminalView]:
        """Those that live."""
        return self._living(session_id).guest.terminals.list().terminals

    async def kill_terminal(self, session_id: SessionId, terminal_id: str) -> None:
        """End one."""
        guest = self._living(session_id).guest
        outcome = answer_of(lambda: guest.terminals.kill(terminal_id)).outcome()
        if outcome.failure is not None:
            raise refusal(session_id, outcome.failure, terminal_id)

    def _shown(self, session_id: SessionId, outcome: Outcome, terminal_id: str) -> GuestTerminal:
        if outcome.failure is not None:
            raise refusal(session_id, outcome.failure, terminal_id)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        opened = msgspec.convert(outcome.structured, Opened).terminal_id
        terminals = self._living(session_id).guest.terminals
        terminals.attach(opened, theirs, next(terminals.turns))
        return GuestTerminal(session_id, opened, ours)

    async def watch_files(self, session_id: SessionId, path: str) -> GuestWatch:
        """A true watch on this machine, with a thread of its own."""
        await self.before("watch_files", session_id)
        watches = self._living(session_id).guest.watches
        begun = await asyncio.to_thread(answer_of, lambda: watches.open(path))
        check_begun(begun.outcome())
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        watch_id = msgspec.json.decode(begun.body, type=Watching).watch_id
        threading.Thread(target=_show, args=(watches, watch_id, theirs), daemon=True).start()
        return GuestWatch(session_id, ours)

    async def pause(self, session_id: SessionId) -> None:
        """Hold back what is called from now on."""
        await self.before("pause", session_id)
        self._living(session_id).freeze()

    async def resume(self, session_id: SessionId) -> None:
        """Let it go on."""
        await self.before("resume", session_id)
        self._living(session_id).thaw()

    async def set_network(self, session_id: SessionId, policy: NetworkPolicy) -> None:
        """Remember it; nothing is kept from anything here."""
        await self.before("set_network", session_id)
        self._living(session_id)
        self.networks[session_id] = policy

    async def connections(self, session_id: SessionId, after: int) -> tuple[Connection, ...]:
        """Nobody watches here."""
        self._living(session_id)
        return ()

    async def metrics(self, session_id: SessionId) -> Metrics:
        """The limits, and nothing used."""
        limits = self._living(session_id).limits
        return Metrics(
            cpu_count=limits.cpus,
            cpu_used_pct=0.0,
            mem_total=limits.memory_bytes,
            mem_used=0,
            disk_total=limits.disk_bytes,
            disk_used=0,
            rx_bytes=0,
            tx_bytes=0,
            rx_bytes_per_s=0.0,
            tx_bytes_per_s=0.0,
            timestamp=time.time(),
        )

    async def destroy(self, session_id: SessionId) -> None:
        """Remove the directory; nothing to remove is fine."""
        await self.before("destroy", session_id)
        if sandbox := self._sandboxes.pop(session_id, None):
            sandbox.goes_on.set()
            sandbox.end_terminals()
        await asyncio.to_thread(shutil.rmtree, self._directory / session_id, True)

    async def known(self) -> set[SessionId]:
        """The sessions that have a directory."""
        return {SessionId(path.name) for path in self._directory.iterdir()}

    async def lose(self, session_id: SessionId, reason: EndReason) -> None:
        """For tests: the sandbox ends without being asked to."""
        self._sandboxes.pop(session_id)
        if self._on_lost is not None:
            await self._on_lost(session_id, reason)

    def _living(self, session_id: SessionId) -> _Sandbox:
        try:
            return self._sandboxes[session_id]
        except KeyError:
            raise SandboxGone(session_id=session_id, end_reason=EndReason.LOST) from None


def _show(watches: Watches, watch_id: str, connection: socket.socket) -> None:
    with connection, suppress(OSError):
        watches.show(watch_id, connection)
    watches.end(watch_id)
