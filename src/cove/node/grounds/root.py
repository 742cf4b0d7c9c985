"""Sandboxes made by root: control groups, disk images, and a range of user ids for each."""

import asyncio
import shutil
import socket
from pathlib import Path

from cove.core.errors import SandboxFailed
from cove.core.ids import SessionId
from cove.core.ports import Isolation, SandboxSpec
from cove.node.blueprint import Blueprints
from cove.node.cgroups import Group, find_hierarchies, remove_instance, session_names
from cove.node.dial import made_inside
from cove.node.disks import copy_sparse, give_up_disk
from cove.node.launcher.client import Launcher
from cove.node.launcher.lock_down import CONTROLS
from cove.node.launcher.orders import Order
from cove.node.settings import NodeSettings


class RootGround:
    """Implements `ground.Ground`."""

    def __init__(self, settings: NodeSettings, controls: tuple[str, ...] = CONTROLS) -> None:
        self.launcher = Launcher()
        self._settings = settings
        self._controls = controls
        self._hierarchies = find_hierarchies()
        self._blueprints: Blueprints  # made by start: it renders the image

    async def start(self) -> None:
        """Render the image and the runtime where they are not there yet (a second or two, once)."""
        self._blueprints = await asyncio.to_thread(Blueprints, self._settings, self._controls)

    async def stop(self) -> None:
        """Let go."""
        await self.launcher.close()
        remove_instance(self._hierarchies, self._settings.instance)

    def host_image(self) -> str:
        """By the blueprints."""
        return self._blueprints.host_image

    def isolation(self) -> Isolation:
        """Everything there is."""
        return Isolation(
            driver="namespaces",
            kernel_boundary="shared kernel: user, mount, pid, network, ipc, uts and cgroup namespaces",
            controls=dict.fromkeys(CONTROLS, True) | {"cgroups": not self._hierarchies.missing(), "disk_cap": True},
            notes=[
                f"control groups: {self._hierarchies.kind}",
                "a kernel bug that root of a namespace can reach is a way out",
            ],
        )

    def members(self, session_id: SessionId) -> Group:
        """The sandbox's control groups."""
        return Group(self._hierarchies, self._settings.instance, session_id)

    def lay_out(self, spec: SandboxSpec) -> None:
        """Its directory with an empty disk, and its control groups."""
        directory = self._directory(spec.session_id)
        directory.mkdir(mode=0o700)
        copy_sparse(self._blueprints.template(spec.limits.disk_bytes), directory / "disk.img")
        self.members(spec.session_id).create(spec.limits)

    async def get_ready(self, spec: SandboxSpec) -> None:
        """Nothing: root maps every image's owners to the sandbox's."""

    def order(self, spec: SandboxSpec) -> Order:
        """By the blueprints."""
        return self._blueprints.order(spec, self.members(spec.session_id))

    async def sockets(self, pid: int, pidfd: int) -> tuple[socket.socket, ...]:
        """Made by a thread that enters the sandbox's network and ends."""
        return await made_inside(pidfd)

    async def remove(self, session_id: SessionId) -> None:
        """The groups with all processes, then the directory."""
        await asyncio.to_thread(self._remove, session_id)

    def names(self) -> set[str]:
        """Those with a control group."""
        return session_names(self._hierarchies, self._settings.instance)

    async def disk_bytes(self, session_id: SessionId) -> int:
        """The blocks of the disk's image."""
        return (self._directory(session_id) / "disk.img").stat().st_blocks * 512

    def _directory(self, session_id: SessionId) -> Path:
        return self._settings.sandboxes / session_id

    def _remove(self, session_id: SessionId) -> None:
        give_up_disk(self._directory(session_id) / "disk.img")
        try:
            self.members(session_id).remove()
        except TimeoutError as error:
            raise SandboxFailed(reason=str(error)) from error
        shutil.rmtree(self._directory(session_id), ignore_errors=False, onerror=_unless_missing)


def _unless_missing(_function: object, _path: str, problem: tuple[type, BaseException, object]) -> None:
    if not isinstance(problem[1], FileNotFoundError):
        raise problem[1]
