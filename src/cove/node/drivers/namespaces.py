"""The driver by namespaces, through system calls of our own; what depends on who we are is its ground's to know."""

import asyncio
import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import Any

import structlog

from cove.core.errors import CallNotFound, CoveError, MachineFull, SandboxGone, SandboxNotCreated
from cove.core.ids import CallId, SessionId
from cove.core.image import Image
from cove.core.limits import Limits
from cove.core.network import Connection, NetworkPolicy
from cove.core.ports import Facts, Isolation, Lost, SandboxSpec
from cove.core.results import Metrics
from cove.core.session import EndReason
from cove.core.terminal import OpenTerminal, TerminalView
from cove.core.tool import Outcome
from cove.node import terminals, watches
from cove.node.cgroups import find_hierarchies
from cove.node.dial import dial
from cove.node.facts import facts_of
from cove.node.grounds import own_ground
from cove.node.images.roots import root_fingerprint
from cove.node.launcher.lock_down import CONTROLS
from cove.node.relay import LogFile, Relay
from cove.node.relay.policy import CLOSED
from cove.node.room import free_memory, memory_roots
from cove.node.sandbox import Sandbox, end_reason, open_again
from cove.node.settings import NodeSettings

_log = structlog.get_logger("cove.node")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE})
_BIRTHS_AT_ONCE = 2
"""Sandboxes that may ask the launcher in turns: with more, each one's second errand waits behind all others' first."""
_STEPS_AT_ONCE = 4
"""Disk copies and removals that may run in threads at the same time."""
_NEXT_TRIES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Seconds before each further try to attach a sandbox: a relay whose server was killed may take as long to end."""


class NamespacesDriver:
    """Implements `core.ports.Driver`. `controls` is for attack tests, which switch one wall off at a time."""

    def __init__(self, settings: NodeSettings, *, controls: tuple[str, ...] = CONTROLS) -> None:
        self._settings = settings
        self._ground = own_ground(settings, controls)
        self._memory_roots = memory_roots(find_hierarchies())
        self._relay = Relay(settings.allow, on_exit=self._attach_all, log=LogFile(settings.data_dir / "relay.log"))
        self._policies: dict[SessionId, NetworkPolicy] = {}
        self._sandboxes: dict[SessionId, Sandbox] = {}
        self._threads = asyncio.Semaphore(_STEPS_AT_ONCE)
        self._births = asyncio.Semaphore(_BIRTHS_AT_ONCE)
        self._ending: set[asyncio.Task[None]] = set()
        self._attaching: set[asyncio.Task[None]] = set()
        self._on_lost: Lost | None = None

    async def start(self, on_lost: Lost) -> None:
        """Render the image and the runtime where they are not there yet (a second or two, once)."""
        self._on_lost = on_lost
        self._settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._settings.sandboxes.mkdir(mode=0o700, parents=True, exist_ok=True)
        await asyncio.gather(self._ground.start(), self._relay.start())

    async def stop(self) -> None:
        """Let go; the sandboxes live on."""
        for task in self._attaching:
            task.cancel()
        for sandbox in self._sandboxes.values():
            sandbox.close()
        self._sandboxes.clear()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await self._ground.stop()
        await self._relay.stop()

    def isolation(self) -> Isolation:
        """What this driver gives here."""
        return self._ground.isolation()

    def free_memory(self) -> int:
        """What the kernel would give, less what the limits of our own groups keep from us."""
        return free_memory(self._memory_roots)

    async def fingerprint(self, image: Image) -> str:
        """Of `host` as it was rendered; of any other as it is now, since sandboxes see what changes below them."""
        if image.root is None:
            return self._ground.host_image()
        return await asyncio.to_thread(root_fingerprint, Path(image.root))

    async def create(self, spec: SandboxSpec) -> Facts:
        """Make a sandbox; raises SandboxNotCreated with nothing left behind."""
        try:
            return await self._make(spec)
        except (CoveError, OSError) as error:
            await self.destroy(spec.session_id)
            if isinstance(error, CoveError):
                raise
            if error.errno in _FULL:
                raise MachineFull(reason=os.strerror(error.errno)) from error
            raise SandboxNotCreated(step="lay out", reason=str(error)) from error

    async def adopt(self, session_id: SessionId, facts: Facts) -> None:
        """Take up a sandbox that an earlier server made; raises SandboxGone."""
        group = self._ground.members(session_id)
        pidfd = open_again(session_id, facts, group)
        sandbox = self._take_up(session_id, int(facts["pid"]), pidfd, Limits(**facts["limits"]))
        sandbox.frozen = group.is_frozen()
        await self._attach_again(sandbox)

    async def call(self, session_id: SessionId, call_id: CallId, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Run a tool in the guest."""
        return await self._find(session_id).door.call(call_id, tool, arguments)

    async def cancel(self, session_id: SessionId, call_id: CallId) -> None:
        """End a running call; raises CallNotFound."""
        if session_id not in self._sandboxes:
            raise CallNotFound(call_id=call_id, session_id=session_id)
        await self._sandboxes[session_id].door.cancel(call_id)

    async def dial(self, session_id: SessionId, port: int) -> socket.socket:
        """Connect to a port inside; raises NothingListening."""
        sandbox = self._find(session_id)
        return await dial(session_id, self._ground.sockets(sandbox.pid, sandbox.pidfd), port)

    async def open_terminal(self, session_id: SessionId, wish: OpenTerminal) -> terminals.GuestTerminal:
        """Open a terminal in the guest."""
        return await terminals.open_terminal(session_id, self._find(session_id).door, wish)

    async def attach_terminal(self, session_id: SessionId, terminal_id: str) -> terminals.GuestTerminal:
        """Look at one of the guest's terminals."""
        return await terminals.attach_terminal(session_id, self._find(session_id).door, terminal_id)

    async def terminals(self, session_id: SessionId) -> list[TerminalView]:
        """The guest's terminals."""
        return await terminals.list_terminals(session_id, self._find(session_id).door)

    async def kill_terminal(self, session_id: SessionId, terminal_id: str) -> None:
        """End what runs on one."""
        await terminals.kill_terminal(session_id, self._find(session_id).door, terminal_id)

    async def watch_files(self, session_id: SessionId, path: str) -> watches.GuestWatch:
        """Have the guest watch below a path."""
        return await watches.watch_files(session_id, self._find(session_id).door, path)

    async def pause(self, session_id: SessionId) -> None:
        """Freeze every process."""
        await self._find(session_id).set_frozen(True)

    async def resume(self, session_id: SessionId) -> None:
        """Let them go on."""
        await self._find(session_id).set_frozen(False)

    async def set_network(self, session_id: SessionId, policy: NetworkPolicy) -> None:
        """Go by another policy from now on; a relay that is just made again is given it with the session."""
        self._find(session_id)
        self._policies[session_id] = policy
        try:
            await self._relay.change(session_id, policy)
        except CoveError as error:  # it carries nothing now, and will go by this policy when it does
            _log.warning("relay not told of a policy", session_id=session_id, reason=str(error))

    async def connections(self, session_id: SessionId, after: int) -> tuple[Connection, ...]:
        """What the relay keeps of them."""
        self._find(session_id)
        return await self._relay.lines(session_id, after)

    async def metrics(self, session_id: SessionId) -> Metrics:
        """Measure from outside."""
        rx, tx = await self._relay.usage(session_id)
        return self._find(session_id).metrics(rx, tx, await self._ground.disk_bytes(session_id))

    async def destroy(self, session_id: SessionId) -> None:
        """End every process and remove every trace, by the session's name alone."""
        await self._relay.detach(session_id)
        self._policies.pop(session_id, None)
        if sandbox := self._sandboxes.pop(session_id, None):
            sandbox.close()
        async with self._threads:
            await self._ground.remove(session_id)

    async def known(self) -> set[SessionId]:
        """Every sandbox of which a group or a directory is left."""
        directories = {path.name for path in self._settings.sandboxes.iterdir()}
        return {SessionId(name) for name in directories | self._ground.names()}

    def _directory(self, session_id: SessionId) -> Path:
        return self._settings.sandboxes / session_id

    async def _make(self, spec: SandboxSpec) -> Facts:
        await self._lay_out(spec)
        async with self._births:
            pid, pidfd = await self._ground.launcher.create(self._ground.order(spec))
            self._policies[spec.session_id] = spec.network
            await self._attach(self._take_up(spec.session_id, pid, pidfd, spec.limits))
        return facts_of(pid) | {"limits": {name: getattr(spec.limits, name) for name in Limits.__struct_fields__}}

    async def _lay_out(self, spec: SandboxSpec) -> None:
        await self._ground.get_ready(spec)
        async with self._threads:
            await asyncio.to_thread(self._ground.lay_out, spec)

    def _take_up(self, session_id: SessionId, pid: int, pidfd: int, limits: Limits) -> Sandbox:
        group, directory = self._ground.members(session_id), self._directory(session_id)
        sandbox = Sandbox(session_id, group, directory, pid=pid, pidfd=pidfd, limits=limits)
        self._sandboxes[session_id] = sandbox
        sandbox.watch(self._ended)
        return sandbox

    def _find(self, session_id: SessionId) -> Sandbox:
        if session_id not in self._sandboxes:
            raise SandboxGone(session_id=session_id, end_reason=EndReason.LOST.value)
        return self._sandboxes[session_id]

    def _ended(self, session_id: SessionId) -> None:
        task = asyncio.get_running_loop().create_task(self._bury(session_id))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _bury(self, session_id: SessionId) -> None:
        """The first process is gone without our doing: clear up, then tell."""
        reason = end_reason(self._ground.members(session_id))
        _log.warning("sandbox ended by itself", session_id=session_id, end_reason=reason.value)
        await self.destroy(session_id)
        if self._on_lost:
            await self._on_lost(session_id, reason)

    async def _attach(self, sandbox: Sandbox) -> None:
        listeners = await self._ground.launcher.listen(sandbox.pid)
        await self._relay.attach(sandbox.session_id, listeners, self._policies.get(sandbox.session_id, CLOSED))
        if self._sandboxes.get(sandbox.session_id) is not sandbox:  # destroyed meanwhile, and detached before
            await self._relay.detach(sandbox.session_id)

    async def _attach_all(self) -> None:
        """The relay is new: give it every sandbox's listeners again."""
        for sandbox in list(self._sandboxes.values()):
            await self._attach_again(sandbox)

    async def _attach_again(self, sandbox: Sandbox) -> None:
        """A sandbox that has taken the listeners' ports meanwhile loses its own way out, and nobody else's."""
        try:
            await self._attach(sandbox)
        except CoveError as error:
            _log.warning("sandbox has no way out", session_id=sandbox.session_id, reason=str(error))
            task = asyncio.create_task(self._attach_later(sandbox))
            self._attaching.add(task)
            task.add_done_callback(self._attaching.discard)

    async def _attach_later(self, sandbox: Sandbox) -> None:
        """It may be the relay of a killed server that has the ports still, and will not have them for long."""
        for seconds in _NEXT_TRIES:
            await asyncio.sleep(seconds)
            if self._sandboxes.get(sandbox.session_id) is not sandbox:
                return
            with contextlib.suppress(CoveError):
                await self._attach(sandbox)
                return
