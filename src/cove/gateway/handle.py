"""The server's end of the gateway: starts its process when somebody knocks, answers its questions.

The listener is the server's, and outlives a gateway that dies: whoever knocks next starts it again, and waits for it.
"""

import asyncio
import contextlib
import os
import socket
import sys

import structlog

from cove.core.ids import SessionId
from cove.core.ports import LinkDoor
from cove.gateway.answering import Answering
from cove.gateway.control import Channel, Closed, Paused, Setup
from cove.gateway.secure import Certifier

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 5.0
_END_SECONDS = 5.0
_log = structlog.get_logger("cove.gateway")


class Gateway:
    """Serves the links of `door` on `listener`, which stays the caller's. Implements `LinkWatcher`.

    `wildcard` is `https://*.DOMAIN` behind a proxy, or empty: then every session has a loopback address of its own.
    `log_fd` is where its process's stderr goes; by default our own. With `certify` it speaks TLS.
    """

    def __init__(
        self,
        door: LinkDoor,
        listener: socket.socket,
        *,
        wildcard: str = "",
        log_fd: int | None = None,
        certify: Certifier | None = None,
    ) -> None:
        self._door, self._listener, self._log_fd = door, listener, log_fd
        self._setup = Setup(wildcard, is_secure=certify is not None)
        self._answering = Answering(door, certify)
        self._process: asyncio.subprocess.Process | None = None
        self._channel: Channel | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Wait for the first knock."""
        self._door.watch(self)
        self._watcher = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """End the process, and with it every link's connections."""
        if self._watcher:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        await self._let_go()

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    def closed(self, session_id: SessionId, link_id: str | None) -> None:
        """Tell the gateway: it cuts what is open."""
        if self._channel:
            self._channel.send(Closed(session_id, link_id))

    def paused(self, session_id: SessionId) -> None:
        """Tell the gateway: the next request dials."""
        if self._channel:
            self._channel.send(Paused(session_id))

    async def _spawn(self) -> Channel:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            fds = (theirs.fileno(), self._listener.fileno())
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "cove.gateway", *map(str, fds)),
                pass_fds=fds,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=self._log_fd,
                env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        self._channel = Channel(ours)
        self._channel.send(self._setup)
        return self._channel

    async def _watch(self) -> None:
        """One process after the other; one that died at once is followed later and later."""
        wait, loop = _FIRST_WAIT, asyncio.get_running_loop()
        while True:
            await self._knock()
            started = loop.time()
            with contextlib.suppress(OSError):  # no process can be made now; tried again
                await self._answering.serve(await self._spawn())
            wait = _FIRST_WAIT if loop.time() - started > _LONGEST_WAIT else min(_LONGEST_WAIT, wait * 2)
            _log.warning("the gateway ended by itself", wait_seconds=wait)
            await self._let_go()
            await asyncio.sleep(wait)

    async def _knock(self) -> None:
        """Wait until somebody has connected."""
        loop, knocked = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._listener, knocked.set)
        try:
            await knocked.wait()
        finally:
            loop.remove_reader(self._listener)

    async def _let_go(self) -> None:
        """Hang up, by which it ends; when it does not, it is killed."""
        if self._channel:
            self._channel.close()
        if self._process is None:
            return
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
