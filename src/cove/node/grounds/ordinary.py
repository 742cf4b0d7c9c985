"""Sandboxes made by an ordinary user: in user namespaces, with a control group where one is delegated to him.

What the kernel does not give him is done from outside, by signals and by watching, or is not there; `isolation` says
which.
"""

import asyncio
import hashlib
import os
import shutil
import socket
from pathlib import Path

import msgspec

from cove.core.account import HOME, USER_ID
from cove.core.errors import SandboxFailed, SandboxNotCreated
from cove.core.ids import SessionId
from cove.core.ports import Isolation, SandboxSpec
from cove.node.delegation import Delegation, GroupedProcesses
from cove.node.differences import differences, one_id, own_ids, usr_is_whole
from cove.node.images.layers import Layers
from cove.node.inside_paths import GUEST_RUNTIME
from cove.node.launcher.client import Launcher
from cove.node.launcher.lock_down import CONTROLS
from cove.node.launcher.orders import USER_NAMESPACE, Bind, Errand, Order, Ordinary, Overlay
from cove.node.netns import RELAY_PORT
from cove.node.processes import Processes
from cove.node.runtime import Runtime, build_runtime
from cove.node.settings import NodeSettings
from cove.node.watch import LIMITS, Watch

_PLACE = "cgroup"
"""Where a sandbox's control group is, kept beside its record: the next server may be given another place."""
_USER = ["--home", HOME, "--uid", str(USER_ID), "--gid", str(USER_ID)]
_END_SECONDS = 10.0


class OrdinaryGround:
    """Implements `ground.Ground`."""

    def __init__(self, settings: NodeSettings, controls: tuple[str, ...] = CONTROLS) -> None:
        self._settings = settings
        self._controls = list(controls)
        self._lent, self._why_none = own_ids()
        self.launcher = Launcher(msgspec.json.encode(self._lent).decode())
        self._delegation = Delegation.here(settings.instance)
        self._usr_is_whole = usr_is_whole()
        self._layers: Layers  # made by start, like the runtime
        self._runtime: Runtime
        self._watch = Watch(settings.sandboxes, self.launcher)

    async def start(self) -> None:
        """Render what is missing, and watch what the kernel does not limit."""
        self._settings.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._runtime = await asyncio.to_thread(build_runtime, self._settings.cache / "runtime")
        try:
            self._layers = await self._render()
        except SandboxNotCreated as error:
            if self._lent is None or error.facts["step"] != USER_NAMESPACE:
                raise
            await self._do_without_lent_ids(error.facts["reason"])
            self._layers = await self._render()
        self._delegation.take_place()
        self._watch.start(memory=not self._delegation.has_limits)

    async def _render(self) -> Layers:
        self._images.mkdir(mode=0o700, exist_ok=True)
        rendered = await self.launcher.run(Errand(name="render", directory=str(self._images)))
        return msgspec.convert(rendered, Layers)

    async def _do_without_lent_ids(self, reason: str) -> None:
        """They are lent and cannot be put into force, as in many containers: one id is better than none."""
        await self.launcher.close()
        self._lent, self._why_none = None, one_id(reason, "cove doctor")
        self.launcher = Launcher("null")
        self._watch = Watch(self._settings.sandboxes, self.launcher)

    @property
    def _images(self) -> Path:
        """Of their own for each owner of what is in them."""
        return self._settings.cache / f"images-{self._lent.uid if self._lent else 'own'}"

    async def stop(self) -> None:
        """Let go."""
        await self._watch.stop()
        await self.launcher.close()
        self._delegation.leave()

    def host_image(self) -> str:
        """As its layers were rendered."""
        return self._layers.fingerprint

    def isolation(self) -> Isolation:
        """What there is, and each difference from what root gives."""
        found = differences(self._lent, self._why_none, self._delegation, usr_is_whole=self._usr_is_whole)
        return Isolation(
            driver="rootless",
            kernel_boundary="shared kernel: user, mount, pid, network, ipc, uts and cgroup namespaces",
            controls=dict.fromkeys(CONTROLS, True) | {"cgroups": self._delegation.has_limits, "disk_cap": False},
            notes=[*(one.sentence for one in found), "a kernel bug that root of a namespace can reach is a way out"],
        )

    def members(self, session_id: SessionId) -> Processes:
        """The sandbox's processes, by its control group where it has one."""
        directory = self._directory(session_id)
        try:
            place = Path((directory / _PLACE).read_text())
        except OSError:
            return Processes(directory)
        group = self._delegation.group(session_id, place)
        return GroupedProcesses(directory, group, is_counted=self._delegation.has_limits)

    def lay_out(self, spec: SandboxSpec) -> None:
        """Its directory with its limits and an empty disk, which the launcher gives its owner; its control group."""
        directory = self._directory(spec.session_id)
        directory.mkdir(mode=0o700)
        (directory / "disk").mkdir(mode=0o755)
        (directory / LIMITS).write_bytes(msgspec.json.encode(spec.limits))
        if self._delegation.place is not None:
            (directory / _PLACE).write_text(str(self._delegation.place))
            self._delegation.make(spec.session_id, spec.limits)

    async def get_ready(self, spec: SandboxSpec) -> None:
        """A root directory of the user's own is copied once, so that the sandbox's root owns it."""
        if spec.image.root is not None and self._lent is not None:
            where = self._imported(spec.image.root)
            await self.launcher.run(
                Errand(name="take over", directory=str(self._images), arguments=[spec.image.root, where.name])
            )

    def order(self, spec: SandboxSpec) -> Order:
        """The same sandbox as root's, but for what `ordinary` says."""
        place = self._delegation.place
        group = self._delegation.group(spec.session_id, place) if place else None
        return Order(
            session_id=spec.session_id,
            directory=str(self._directory(spec.session_id)),
            first_id=0,
            overlays=self._overlays(spec),
            binds=self._binds(spec),
            runtime=str(self._runtime.path),
            argv=[*self._runtime.argv(GUEST_RUNTIME), *self._guest_arguments(spec)],
            hostname=spec.session_id[:63],
            born_in=str(group.born_in()) if group else None,
            join=[],
            work_files=[str(path) for path in group.work_files()] if group else [],
            relay_port=RELAY_PORT,
            controls=self._controls,
            shm_bytes=spec.limits.shm_bytes,
            ordinary=Ordinary(processes=spec.limits.pids, file_bytes=spec.limits.disk_bytes),
        )

    async def sockets(self, pid: int, pidfd: int) -> tuple[socket.socket, ...]:
        """Made by a child of the launcher, which may enter what the server may not."""
        return await self.launcher.open_sockets(pid)

    async def remove(self, session_id: SessionId) -> None:
        """The first process, and with it all; then what they wrote, as who owns it; then the rest."""
        directory = self._directory(session_id)
        members = self.members(session_id)
        await self._end(members)
        if isinstance(members, GroupedProcesses):
            await asyncio.to_thread(members.group.remove)
        if (directory / "disk").exists():
            await self.launcher.run(Errand(name="remove", directory=str(directory), arguments=["disk"]))
        if directory.exists():
            await asyncio.to_thread(shutil.rmtree, directory)

    def names(self) -> set[str]:
        """None: whatever there is has a directory."""
        return set()

    async def disk_bytes(self, session_id: SessionId) -> int:
        """As measured."""
        return await self._watch.disk_bytes(session_id)

    async def _end(self, members: Processes) -> None:
        """Kill, and return when the first process is gone: it is the last to go."""
        first = members.first()
        if first is None:
            return
        try:
            async with asyncio.timeout(_END_SECONDS):
                while members.first() is not None:
                    members.kill()
                    await asyncio.sleep(0.002)
        except TimeoutError:
            raise SandboxFailed(reason=f"process {first} does not end") from None

    def _directory(self, session_id: SessionId) -> Path:
        return self._settings.sandboxes / session_id

    def _imported(self, root: str) -> Path:
        """Named after the directory as it is now; what changes deeper in it later is not seen."""
        state = os.stat(root)
        name = hashlib.sha256(f"{root} {state.st_ino} {state.st_mtime_ns}".encode()).hexdigest()[:16]
        return self._images / f"root-{name}"

    def _overlays(self, spec: SandboxSpec) -> list[Overlay]:
        if spec.image.root is not None:
            root = str(self._imported(spec.image.root)) if self._lent else spec.image.root
            return [Overlay("root", [root], "/")]
        layers = self._layers
        overlays = [Overlay("root", [str(self._images / layers.root)], "/")]
        if self._usr_is_whole:
            overlays.append(Overlay("usr", [str(self._images / layers.usr), "/usr"], "/usr"))
        if layers.dpkg:
            overlays.append(Overlay("dpkg", [str(self._images / layers.dpkg)], "/var/lib/dpkg"))
        return overlays

    def _binds(self, spec: SandboxSpec) -> list[Bind]:
        if spec.image.root is not None:
            return []
        usr = [] if self._usr_is_whole else [Bind("/usr", "/usr", recursive=True)]
        return [*usr, *(Bind(host, inside) for host, inside in self._layers.binds)]

    def _guest_arguments(self, spec: SandboxSpec) -> list[str]:
        memory = [] if self._delegation.has_limits else ["--process-bytes", str(spec.limits.memory_bytes)]
        root = [] if self._lent else ["--switch-user", "0", "--may-be-root", "0"]
        return ["--output-bytes", str(spec.limits.output_bytes), *_USER, *memory, *root]
