"""The node's end of the relay: starts its process, hands it sessions, and starts it again when it dies."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from cove.core.errors import CoveError, SandboxFailed
from cove.core.ids import SessionId
from cove.core.network import Connection, NetworkPolicy
from cove.node.relay.control import MOST_BYTES, Order, Reply, send_order
from cove.node.relay.policy import CLOSED, Policy

_START_SECONDS, _ANSWER_SECONDS, _LOG_SECONDS = 30.0, 10.0, 30.0
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0

OnExit = Callable[[], Awaitable[None]]


class Log(Protocol):
    """Where the relay's log goes."""

    def open(self) -> int:
        """A descriptor to write to, which the caller closes."""

    def put_aside(self) -> bool:
        """Whether what was written was put aside, so that `open` gives another file now."""


class Relay:
    """The relay of a node. `granted` are the operator's entries; a wrong one raises InvalidNetwork here and now.

    `on_exit` is awaited each time the process had died and a new one, which knows no session, is ready.
    Without a `log` it writes to our own stderr.
    """

    def __init__(self, granted: tuple[str, ...], *, on_exit: OnExit | None = None, log: Log | None = None) -> None:
        Policy(CLOSED, granted)
        self._granted, self._on_exit, self._log = granted, on_exit, log
        self._turn = asyncio.Lock()
        self._number = 0
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._last: dict[SessionId, tuple[int, int]] = {}
        self._before: dict[SessionId, tuple[int, int]] = {}

    async def start(self) -> None:
        """Start the process and watch it; raises SandboxFailed when it does not come up."""
        await self._spawn()
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End the process, and with it every connection; the sandboxes stay."""
        if self._watcher:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            await _end(self._process)

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def attach(self, session_id: SessionId, fds: list[int], policy: NetworkPolicy) -> None:
        """Serve a session: `fds` are what `netns.open_listeners` gave; they are ours now, and closed here in any case.

        Attaching a session again replaces its listeners and breaks off its connections. Raises SandboxFailed.
        """
        try:
            await self._order(Order(op="attach", session=session_id, policy=policy), fds)
        finally:
            for fd in fds:
                os.close(fd)

    async def change(self, session_id: SessionId, policy: NetworkPolicy) -> None:
        """Let an attached session go by another policy, and cut what that does not allow. Raises SandboxFailed."""
        await self._order(Order(op="policy", session=session_id, policy=policy))

    async def lines(self, session_id: SessionId, after: int) -> tuple[Connection, ...]:
        """The session's connections whose numbers follow `after`, oldest first; below 0, so many of the last.

        At most 200 at once; the relay keeps the last 1000, and all of them are in its log. Raises SandboxFailed.
        """
        return (await self._order(Order(op="log", session=session_id, after=after))).lines

    async def detach(self, session_id: SessionId) -> None:
        """Forget a session and break off its connections; one that is not known is no error."""
        self._last.pop(session_id, None)
        self._before.pop(session_id, None)
        with contextlib.suppress(SandboxFailed):  # a relay that died has forgotten it, too
            await self._order(Order(op="detach", session=session_id))

    async def usage(self, session_id: SessionId) -> tuple[int, int]:
        """Bytes that the session received and sent through the relay; what a dead relay had not told is lost."""
        before = self._before.get(session_id, (0, 0))
        try:
            reply = await self._order(Order(op="usage", session=session_id))
        except SandboxFailed:
            return self._last.get(session_id, before)
        self._last[session_id] = (before[0] + reply.rx_bytes, before[1] + reply.tx_bytes)
        return self._last[session_id]

    async def go_on_in_a_new_log(self) -> bool:
        """Whether the log had grown so large that it was put aside. Raises OSError or SandboxFailed."""
        if self._log is None or not self._log.put_aside():
            return False
        log = self._log.open()
        try:
            await self._order(Order(op="log_to"), [log])
        finally:
            os.close(log)
        return True

    async def _spawn(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        log = self._log.open() if self._log else None
        try:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cove.node.relay", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        finally:
            theirs.close()
            if log is not None:
                os.close(log)
        self._control = ours
        await self._order(Order(op="grant", granted=self._granted), seconds=_START_SECONDS)

    async def _watch(self) -> None:
        wait = _FIRST_WAIT
        while self._process:
            started = asyncio.get_running_loop().time()
            await self._wait_for_end(self._process)
            lived = asyncio.get_running_loop().time() - started
            wait = _FIRST_WAIT if lived > _LONGEST_WAIT else min(_LONGEST_WAIT, wait * 2)
            await asyncio.sleep(wait)
            with contextlib.suppress(CoveError, OSError):  # tried again, after a longer wait
                await self._respawn()

    async def _wait_for_end(self, process: asyncio.subprocess.Process) -> None:
        """Look after the log's size meanwhile."""
        while process.returncode is None:
            try:
                async with asyncio.timeout(_LOG_SECONDS):
                    await process.wait()
            except TimeoutError:
                with contextlib.suppress(CoveError, OSError):  # tried again at the next turn
                    await self.go_on_in_a_new_log()

    async def _respawn(self) -> None:
        if self._control:
            self._control.close()
        self._before |= self._last
        await self._spawn()
        if self._on_exit:
            await self._on_exit()

    async def _order(self, order: Order, fds: list[int] | None = None, seconds: float = _ANSWER_SECONDS) -> Reply:
        """One order and its reply at a time; raises SandboxFailed."""
        async with self._turn:
            if self._control is None:
                raise SandboxFailed(reason="the relay is not running")
            try:
                async with asyncio.timeout(seconds):
                    reply = await self._exchange(self._control, order, fds or [])
            except (OSError, msgspec.DecodeError) as error:  # TimeoutError is an OSError
                self._control.close()  # one that hangs ends by this, and is started again
                self._control = None
                raise SandboxFailed(reason=f"the relay did not {order.op}: {error}") from error
        if reply.error:
            raise SandboxFailed(reason=f"the relay refused: {reply.error}")
        return reply

    async def _exchange(self, control: socket.socket, order: Order, fds: list[int]) -> Reply:
        """Replies to orders whose askers did not wait are passed over."""
        self._number += 1
        send_order(control, msgspec.structs.replace(order, number=self._number), fds)
        while True:
            body = await asyncio.get_running_loop().sock_recv(control, MOST_BYTES)
            reply = msgspec.json.decode(body, type=Reply)
            if reply.number == self._number:
                return reply


async def _end(process: asyncio.subprocess.Process) -> None:
    """It ends at its socket's end; when it does not, it is killed."""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
