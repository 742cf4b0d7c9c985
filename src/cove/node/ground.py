"""What the namespaces driver stands on: what root does in one way on a machine, and an ordinary user in another."""

import socket
from typing import Protocol

from cove.core.ids import SessionId
from cove.core.ports import Isolation, SandboxSpec
from cove.node.launcher.client import Launcher
from cove.node.launcher.orders import Order


class Members(Protocol):
    """The processes of one sandbox. Implemented by control groups, and by signals where there is none."""

    is_quick: bool
    """Whether freezing takes so little time that nobody notices: what looks at each process of a machine does not."""

    def holds(self, pid: int) -> bool:
        """Whether the process is one of the sandbox's, as the kernel says."""

    def members(self) -> set[int]:
        """The processes, by their ids on the host."""

    def freeze(self, frozen: bool) -> None:
        """Have them stand still, or go on; it is done when `is_frozen` says so."""

    def is_frozen(self) -> bool:
        """Whether every one stands still."""

    def kill(self) -> None:
        """SIGKILL for every one, frozen or not. Does not wait."""

    def cpu_seconds(self) -> float:
        """Processor time used so far."""

    def memory_bytes(self) -> int:
        """Memory in use now."""

    def has_starved(self) -> bool:
        """Whether the kernel has killed one of our own processes among them for want of memory."""


class Ground(Protocol):
    """Everything about sandboxes that depends on who we are. What blocks is called in a thread."""

    launcher: Launcher

    async def start(self) -> None:
        """Render the image and the runtime where they are not there yet; raises CoveError."""

    async def stop(self) -> None:
        """Let go; the sandboxes live on."""

    def host_image(self) -> str:
        """The fingerprint of the `host` image, as it was rendered."""

    def isolation(self) -> Isolation:
        """What sandboxes truly get here."""

    def members(self, session_id: SessionId) -> Members:
        """A sandbox's processes."""

    def lay_out(self, spec: SandboxSpec) -> None:
        """Make what a sandbox needs before it is born: its directory, disk and limits. Blocks; raises OSError."""

    async def get_ready(self, spec: SandboxSpec) -> None:
        """Make what an image needs before its first sandbox."""

    def order(self, spec: SandboxSpec) -> Order:
        """Everything the launcher needs for one sandbox."""

    async def sockets(self, pid: int, pidfd: int) -> tuple[socket.socket, ...]:
        """Unconnected sockets in the network of a sandbox's first process, as `dial.open_sockets` makes them."""

    async def remove(self, session_id: SessionId) -> None:
        """End every process and remove every trace, by the session's name alone; raises OSError."""

    def names(self) -> set[str]:
        """Sessions of which anything is left beside their directory."""

    async def disk_bytes(self, session_id: SessionId) -> int:
        """What a sandbox has stored, as last seen."""
