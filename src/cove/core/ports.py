"""What the server asks of a node. The namespaces driver and the simulated one implement it."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

import msgspec

from cove.core.ids import CallId, SessionId
from cove.core.image import Image
from cove.core.limits import Limits
from cove.core.results import Metrics
from cove.core.session import EndReason
from cove.core.tool import Outcome


class SandboxSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to make. `slot` is a small number, unique among living sandboxes, from which id ranges follow."""

    session_id: SessionId
    image: Image
    limits: Limits
    slot: int


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver truly gives on this machine, as `/capabilities` and `doctor` show it."""

    driver: str
    kernel_boundary: str
    controls: dict[str, bool]
    notes: list[str] = []


Lost = Callable[[SessionId, EndReason], Awaitable[None]]
Facts = dict[str, Any]


@runtime_checkable  # the HTTP framework checks what it injects
class Driver(Protocol):
    """A way to isolate. Every method may raise SandboxFailed, and SandboxGone for a session that is no more."""

    async def start(self, on_lost: Lost) -> None:
        """Get ready; from now on call `on_lost` when a sandbox ends without being asked to."""

    async def stop(self) -> None:
        """Let go of everything; the sandboxes live on."""

    def isolation(self) -> Isolation:
        """What this driver gives here."""

    async def create(self, spec: SandboxSpec) -> Facts:
        """Make a sandbox that answers calls; the facts let a later server find it again. Leaves nothing on failure."""

    async def adopt(self, session_id: SessionId, facts: Facts) -> None:
        """Take up a sandbox that an earlier server made; raises SandboxGone, with the reason, if it is not that one."""

    async def call(self, session_id: SessionId, call_id: CallId, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Run a tool in the guest. The same call id again gives the first call's outcome, never a second run."""

    async def cancel(self, session_id: SessionId, call_id: CallId) -> None:
        """End a call that runs, with everything it started; raises CallNotFound."""

    async def pause(self, session_id: SessionId) -> None:
        """Freeze every process; returns when all stand still."""

    async def resume(self, session_id: SessionId) -> None:
        """Let them go on."""

    async def metrics(self, session_id: SessionId) -> Metrics:
        """Measure the sandbox from outside."""

    async def destroy(self, session_id: SessionId) -> None:
        """End every process and remove every trace; also of a sandbox half made, or made by a server that died."""

    async def known(self) -> set[SessionId]:
        """Every sandbox of this instance of which anything is left on the machine."""
