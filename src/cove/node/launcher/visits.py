"""What a launcher without root does in a sandbox's network: a child enters it, and hands out what it opened."""

import os
import signal
import socket
from collections.abc import Callable

from cove.node import syscalls as sys

_SECONDS = 10.0
_MOST_FDS = 8


def visit(pid: int, open_all: Callable[[], list[int]]) -> list[int]:
    """The descriptors that `open_all` opens in the network of process `pid`; raises OSError.

    Whoever made a user namespace has every right in it and in those made within, but must enter it to use them.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        child = os.fork()
        if child == 0:
            _hand_out(pid, theirs, open_all)
        theirs.close()
        ours.settimeout(_SECONDS)
        try:
            told, fds, _, _ = socket.recv_fds(ours, 4096, _MOST_FDS)
        finally:
            os.kill(child, signal.SIGKILL)  # it has said all it will
            os.waitpid(child, 0)
    if not fds:
        raise OSError(told.decode() or "the child was killed")
    return fds


def _hand_out(pid: int, channel: socket.socket, open_all: Callable[[], list[int]]) -> None:
    try:
        sys.setns(os.pidfd_open(pid), sys.CLONE_NEWUSER | sys.CLONE_NEWNET)
        socket.send_fds(channel, [b"open"], open_all())
    except OSError as error:
        channel.send(str(error).encode())
    finally:
        os._exit(0)  # nothing may return into the launcher's loop
