"""The node's end of the launcher: asks in order, starts it anew when it has died."""

import asyncio
import os
import socket
import subprocess
import sys

import msgspec

from cove.core.errors import SandboxNotCreated
from cove.node.launcher.orders import Answer, Listen, Order, Request

_PACKET = 256 * 1024
_MOST_FDS = 8
_PATIENCE = 60.0


class Launcher:
    """One launcher process. Its requests are answered one after the other; callers may ask at once."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._turn = asyncio.Lock()

    async def create(self, order: Order) -> tuple[int, int]:
        """Make a sandbox: the process id of its first process and a pidfd; raises SandboxNotCreated."""
        answer, fds = await self._ask(Request(order=order))
        return answer.pid, fds[0]

    async def listen(self, pid: int) -> list[int]:
        """The relay's listeners in that process's network namespace: DNS over UDP, over TCP, and connections."""
        _, fds = await self._ask(Request(listen=Listen(pid=pid)))
        return fds

    async def close(self) -> None:
        """End the launcher; what it made lives on."""
        async with self._turn:
            await asyncio.to_thread(self._hang_up)

    async def _ask(self, request: Request) -> tuple[Answer, list[int]]:
        async with self._turn:
            # shielded: an answer left unread by a caller who gave up would be taken for the next caller's
            return await asyncio.shield(asyncio.to_thread(self._exchange, request))

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
            raise SandboxNotCreated(step="launcher", reason="the launcher was killed; it is started anew on the next call")
        answer = msgspec.json.decode(packet, type=Answer)
        if answer.step:
            raise SandboxNotCreated(step=answer.step, reason=answer.reason)
        for fd in fds:
            os.set_inheritable(fd, False)
        return answer, fds

    def _connected(self) -> socket.socket:
        if self._process is None or self._process.poll() is not None or self._control is None:
            self._hang_up()
            self._start()
        assert self._control is not None
        return self._control

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(_PATIENCE)
        command = [sys.executable, "-I", "-m", "cove.node.launcher.process", str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, start_new_session=True)
        theirs.close()
        self._control = ours

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
