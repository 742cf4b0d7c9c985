"""A connection from outside to a port inside a sandbox: the socket is made in its network, and used in ours.

A socket belongs to the network namespace in which it was made, whoever holds it. So only its making needs a thread that
enters the sandbox's network, and that thread never comes back: it makes the sockets and ends. No failure on the way
back can then leave the server with a thread that lives in a sandbox.
"""

import asyncio
import socket
import threading
from collections.abc import Awaitable
from concurrent.futures import Future

from cove.core.errors import GuestSilent, NothingListening, SandboxGone
from cove.core.ids import SessionId
from cove.core.session import EndReason
from cove.node.connecting import connect
from cove.node.netns import LOCALHOST, open_sockets
from cove.node.syscalls import CLONE_NEWNET, setns

Sockets = tuple[socket.socket, ...]
_PATIENCE = 5.0
"""Seconds that a server with a full backlog gets."""


async def dial(session_id: SessionId, made: Awaitable[Sockets], port: int) -> socket.socket:
    """A connected, non-blocking socket to `port` in the sandbox's network, where the sockets of `made` are.

    Raises NothingListening, GuestSilent where connections are neither taken nor refused, SandboxGone.
    """
    try:
        sockets = await made
    except OSError as error:
        raise SandboxGone(session_id=session_id, end_reason=EndReason.LOST.value) from error
    try:
        async with asyncio.timeout(_PATIENCE):
            return await first_connected(sockets, port)
    except TimeoutError as error:
        raise GuestSilent(session_id=session_id, seconds=_PATIENCE) from error
    except OSError as error:
        raise NothingListening(session_id=session_id, port=port) from error


async def first_connected(sockets: Sockets, port: int) -> socket.socket:
    """The first of `open_sockets` that gets through to `port`; the others are closed. Raises the last one's OSError."""
    remaining = list(sockets)
    try:
        while True:
            tried = remaining[0]
            try:
                await connect(tried, (dict(LOCALHOST)[tried.family], port))
            except OSError:
                if len(remaining) == 1:
                    raise
                remaining.pop(0).close()
            else:
                return remaining.pop(0)
    finally:
        for unused in remaining:
            unused.close()


async def made_inside(pidfd: int) -> Sockets:
    """The sockets of `open_sockets` in the network of the process `pidfd`; raises OSError.

    The thread's work is waited for without a thread of any pool; what comes too late is closed.
    """
    made: Future[Sockets] = Future()
    threading.Thread(target=_enter_and_open, args=(pidfd, made), name="dial", daemon=True).start()
    try:
        return await asyncio.shield(asyncio.wrap_future(made))
    except asyncio.CancelledError:
        made.add_done_callback(_close_all)
        raise


def _enter_and_open(pidfd: int, made: "Future[Sockets]") -> None:
    """The thread's whole life; `setns` by a pidfd (Linux 5.8) cannot meet another process of the same number."""
    try:
        setns(pidfd, CLONE_NEWNET)
        made.set_result(open_sockets())
    except OSError as error:
        made.set_exception(error)


def _close_all(made: "Future[Sockets]") -> None:
    if made.exception() is None:
        for unused in made.result():
            unused.close()
