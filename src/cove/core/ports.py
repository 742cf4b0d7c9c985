"""What the server asks of a node, and the gateway of the server. Each port has two implementations, one simulated."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from cove.core.ids import CallId, SessionId
from cove.core.image import Image
from cove.core.limits import Limits
from cove.core.network import Connection, NetworkPolicy
from cove.core.results import FileChange, Metrics
from cove.core.session import EndReason
from cove.core.terminal import Detached, Exited, OpenTerminal, Said, TerminalView
from cove.core.tool import Outcome

if TYPE_CHECKING:
    import socket


class SandboxSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What to make. `slot` is a small number, unique among living sandboxes, from which id ranges follow."""

    session_id: SessionId
    image: Image
    limits: Limits
    slot: int
    network: NetworkPolicy = NetworkPolicy()


class Isolation(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver truly gives on this machine, as `/capabilities` and `doctor` show it."""

    driver: str
    kernel_boundary: str
    controls: dict[str, bool]
    notes: list[str] = []


class TerminalLine(Protocol):
    """Somebody's look at one terminal. Waiting in `receive` and `send` is how a slow side slows the other down."""

    terminal_id: str

    async def receive(self) -> bytes | Exited | Detached:
        """The next bytes, or why there are no more; raises TerminalGone, GuestMisbehaved."""

    async def send(self, data: bytes) -> None:
        """Type so many bytes; raises TerminalGone."""

    async def say(self, message: Said) -> None:
        """Resize it, or end what runs on it; raises TerminalGone."""

    def close(self) -> None:
        """Look away; the terminal lives on."""


class FileWatch(Protocol):
    """Somebody's watch of files in a sandbox."""

    async def receive(self) -> list[FileChange] | None:
        """What changed next; None once the guest tells no more. Raises GuestMisbehaved."""

    def close(self) -> None:
        """Watch no more."""


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

    def free_memory(self) -> int:
        """Bytes of memory that this machine can still give to sandboxes, as its kernel says."""

    async def fingerprint(self, image: Image) -> str:
        """A short name for what sandboxes made from this image hold, now; a different one means that it has changed."""

    async def create(self, spec: SandboxSpec) -> Facts:
        """Make a sandbox that answers calls; the facts let a later server find it again. Leaves nothing on failure."""

    async def adopt(self, session_id: SessionId, facts: Facts) -> None:
        """Take up a sandbox that an earlier server made; raises SandboxGone, with the reason, if it is not that one."""

    async def call(self, session_id: SessionId, call_id: CallId, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Run a tool in the guest. The same call id again gives the first call's outcome, never a second run."""

    async def cancel(self, session_id: SessionId, call_id: CallId) -> None:
        """End a call that runs, with everything it started; raises CallNotFound."""

    async def dial(self, session_id: SessionId, port: int) -> "socket.socket":
        """A connected, non-blocking TCP socket to 127.0.0.1:port, else [::1]:port, inside; raises NothingListening."""

    async def open_terminal(self, session_id: SessionId, wish: OpenTerminal) -> "TerminalLine":
        """Open a terminal and look at it; raises TerminalRefused."""

    async def attach_terminal(self, session_id: SessionId, terminal_id: str) -> "TerminalLine":
        """Look at a terminal, in the place of whoever does now; raises TerminalNotFound."""

    async def terminals(self, session_id: SessionId) -> list[TerminalView]:
        """The terminals that live, oldest first."""

    async def kill_terminal(self, session_id: SessionId, terminal_id: str) -> None:
        """End what runs on a terminal; raises TerminalNotFound."""

    async def watch_files(self, session_id: SessionId, path: str) -> "FileWatch":
        """Watch below a path, from the last `get_file_change` on; raises ToolFailed."""

    async def pause(self, session_id: SessionId) -> None:
        """Freeze every process; returns when all stand still."""

    async def resume(self, session_id: SessionId) -> None:
        """Let them go on."""

    async def set_network(self, session_id: SessionId, policy: NetworkPolicy) -> None:
        """Go by another policy from now on, and cut the connections that it does not allow.

        An adopted sandbox reaches nothing until its policy is set.
        """

    async def connections(self, session_id: SessionId, after: int) -> tuple[Connection, ...]:
        """The sandbox's connections whose numbers follow `after`, oldest first; below 0, so many of the last.

        At most 200 at once, of the last 1000.
        """

    async def metrics(self, session_id: SessionId) -> Metrics:
        """Measure the sandbox from outside."""

    async def destroy(self, session_id: SessionId) -> None:
        """End every process and remove every trace; also of a sandbox half made, or made by a server that died."""

    async def known(self) -> set[SessionId]:
        """Every sandbox of this instance of which anything is left on the machine."""


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """What a link's token gives a right to: one port of one session, or no port, and then its `/callTool` only.

    `host` is the one name or address, without a port, at which this link is an origin of its own: `127.81.5.9`, or the
    link's host below a wildcard. A request that comes to another is refused. `expires_at` is UTC epoch seconds.
    """

    link_id: str
    session_id: SessionId
    host: str
    port: int | None = None
    expires_at: float | None = None


class LinkWatcher(Protocol):
    """Whom a LinkDoor tells what open connections must know. Neither method waits for anything."""

    def closed(self, session_id: SessionId, link_id: str | None) -> None:
        """A link was revoked or has expired, or all of the session's (None), also since it ended: cut what is open."""

    def paused(self, session_id: SessionId) -> None:
        """The session stands still: open connections wait, and the next request dials, which may wake it."""


class LinkDoor(Protocol):
    """What the gateway asks of the server. A link's token is a secret: it stands in no error and no log."""

    async def admit(self, token: str) -> Admission:
        """Whom the token lets in; wakes nothing. Raises LinkRefused, LinkExpired, LinkRevoked, SessionNotFound."""

    async def dial(self, session_id: SessionId, port: int) -> "socket.socket":
        """`Driver.dial`, counted as use; wakes an idle session, raises SessionPaused for one paused by hand."""

    def used(self, session_id: SessionId) -> None:
        """Bytes of a link flow: counts as use, and wakes an idle session. Called at most once a second for each."""

    async def call_tool(
        self, token: str, tool: str, arguments: dict[str, Any], *, request_id: str, user_agent: str
    ) -> dict[str, Any]:
        """Run a tool for `GET /callTool`: `{"content": […], "isError": …}`; raises what `admit` and a call raise.

        `user_agent` is what the client calls itself.
        """

    def watch(self, watcher: LinkWatcher) -> None:
        """From now on tell `watcher`, and nobody before it."""
