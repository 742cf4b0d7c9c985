"""The node's end of the launcher: asks in order, starts it anew when it has died."""

import asyncio
import os
import socket
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec

from cove.core.errors import SandboxFailed, SandboxNotCreated
from cove.node.launcher.orders import Answer, Errand, Listen, OpenSockets, Order, Outcome, Request

_PACKET = 256 * 1024
_MOST_FDS = 8
_PATIENCE = 60.0


class Launcher:
    """One launcher process. Its requests are answered one after the other; callers may ask at once.

    `arguments` are those of the process: see there.
    """

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._line = ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")

    async def create(self, order: Order) -> tuple[int, int]:
        """Make a sandbox: the process id of its first process and a pidfd; raises SandboxNotCreated."""
        answer, fds = await self._ask(order)
        return answer.pid, fds[0]

    async def listen(self, pid: int) -> list[int]:
        """The relay's listeners in that process's network namespace: DNS over UDP, over TCP, and connections."""
        _, fds = await self._ask(Listen(pid=pid))
        return fds

    async def open_sockets(self, pid: int) -> tuple[socket.socket, ...]:
        """Unconnected sockets in that process's network namespace, for a `dial` by who may not enter it."""
        _, fds = await self._ask(OpenSockets(pid=pid))
        return tuple(socket.socket(fileno=fd) for fd in fds)

    async def run(self, errand: Errand) -> Any:
        """What comes of an errand, once it is done; raises SandboxFailed with why there is nothing."""
        _, fds = await self._ask(errand)
        try:
            text = await read_to_end(fds[0])
        finally:
            os.close(fds[0])
        outcome = msgspec.json.decode(text, type=Outcome) if text else Outcome(reason="it was killed")
        if outcome.reason:
            raise SandboxFailed(reason=f"could not {errand.name} in {errand.directory}: {outcome.reason}")
        return outcome.result

    async def close(self) -> None:
        """End the launcher; what it made lives on."""
        await asyncio.get_running_loop().run_in_executor(self._line, self._hang_up)
        self._line.shutdown(wait=False)

    async def _ask(self, request: Request) -> tuple[Answer, list[int]]:
        exchange = self._line.submit(self._exchange, request)
        try:
            return await asyncio.shield(asyncio.wrap_future(exchange))
        except asyncio.CancelledError:
            exchange.add_done_callback(_close_all)
            raise

    def _exchange(self, request: Request) -> tuple[Answer, list[int]]:
        try:
            control = self._connected()
            control.send(msgspec.json.encode(request))
            packet, fds, _, _ = socket.recv_fds(control, _PACKET, _MOST_FDS)
        except OSError as error:
            self._hang_up()
            raise SandboxNotCreated(step="launcher", reason=str(error)) from error
        if not packet:
            self._hang_up()
            raise SandboxNotCreated(
                step="launcher", reason="the launcher was killed; it is started anew on the next call"
            )
        answer = msgspec.json.decode(packet, type=Answer)
        if answer.step:
            raise SandboxNotCreated(step=answer.step, reason=answer.reason)
        for fd in fds:
            os.set_inheritable(fd, False)
        return answer, fds

    def _connected(self) -> socket.socket:
        if self._control is None or self._process is None or self._process.poll() is not None:
            self._hang_up()
            self._control = self._start()
        return self._control

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_PATIENCE)
        command = [sys.executable, "-I", "-m", "cove.node.launcher.process", str(theirs.fileno()), *self._arguments]
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
        )
        theirs.close()
        return ours

    def _hang_up(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None


async def read_to_end(fd: int) -> bytes:
    """Everything that comes out of a pipe until its last writer is gone."""
    loop, readable, pieces = asyncio.get_running_loop(), asyncio.Event(), []
    os.set_blocking(fd, False)
    loop.add_reader(fd, readable.set)
    try:
        while True:
            await readable.wait()
            readable.clear()
            try:
                while piece := os.read(fd, 65536):
                    pieces.append(piece)
            except BlockingIOError:
                continue
            return b"".join(pieces)
    finally:
        loop.remove_reader(fd)


def _close_all(exchange: "Future[tuple[Answer, list[int]]]") -> None:
    """Nobody waits for the answer any more; what came with it must not stay open."""
    if not exchange.cancelled() and exchange.exception() is None:
        for fd in exchange.result()[1]:
            os.close(fd)
