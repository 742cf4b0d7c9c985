"""Pid 1 of a sandbox: reaps, starts the guest's server, again when it dies, and reads what background processes print.

It holds the descriptors that the server inherits (the listener, the cgroups), so that connections made while there is
no server wait for the next one. It imports as little as it can: it is there once per session, and stays.
"""

import _socket
import gc
import os
import select
import signal
import sys
import time

from cove.guest.leftovers import REST, Drain

LISTENER = 3
_IGNORED = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGPIPE,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
_SHORT_LIFE, _MOST_REST, _TURN = 1.0, 5.0, 0.05
_ROOM = _socket.CMSG_SPACE(16 * 4)


class Server:
    """The process that answers; `tend` it, and there is always one, or soon will be."""

    def __init__(self, argv: list[str]) -> None:
        self._argv = argv
        self._pid = 0
        self._began = self._not_before = 0.0
        self._rest = 0.0
        self.channel, self._far_end = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
        self.channel.setblocking(False)

    def tend(self) -> bool:
        """Start a server if there is none and it is time; says whether there is one now."""
        now = time.monotonic()
        if self._pid == 0 and now >= self._not_before:
            self._start(now)
        return self._pid != 0

    def _start(self, now: float) -> None:
        try:
            self._pid, self._began = os.fork(), now
        except OSError:  # no memory or no process is left: a later turn tries again
            return
        if self._pid == 0:
            _be_server(self._argv, self._far_end.fileno())

    def has_ended(self, pid: int) -> None:
        """If it was the server: have another started, at once unless they keep dying."""
        if pid == self._pid:
            now = time.monotonic()
            is_short = now - self._began < _SHORT_LIFE
            self._rest = min(max(self._rest * 2, _TURN), _MOST_REST) if is_short else 0.0
            self._pid, self._not_before = 0, now + self._rest


def _be_server(argv: list[str], channel: int) -> None:
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        for number in (*_IGNORED, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        from cove.guest import command_line, serve

        serve.main(LISTENER, command_line.settings(argv, channel))
    except BaseException:  # noqa: BLE001 - this is a fork: nothing may return into pid 1's loop
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


def main(argv: list[str]) -> None:
    """Be pid 1, for ever."""
    gc.disable()  # nothing here makes garbage in cycles, and the server starts faster; it collects from then on
    wake = _wake_on_child()
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    server, drain = Server(argv), Drain()
    poller = select.poll()
    for fd in (wake, server.channel.fileno(), drain.fd):
        poller.register(fd, select.POLLIN)
    while True:
        poller.poll(None if server.tend() else _TURN * 1000)
        _reap(wake, server)
        _take_over(server.channel, drain)
        if drain.turn(0):
            time.sleep(REST)


def _wake_on_child() -> int:
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    return read


def _reap(wake: int, server: Server) -> None:
    try:
        os.read(wake, 4096)
    except BlockingIOError:
        return
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        server.has_ended(pid)


def _take_over(channel: _socket.socket, drain: Drain) -> None:
    while True:
        try:
            _, ancillary, _, _ = channel.recvmsg(1, _ROOM, _socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return
        for _, _, rights in ancillary:
            for at in range(0, len(rights) - 3, 4):
                drain.add(int.from_bytes(rights[at : at + 4], sys.byteorder))


if __name__ == "__main__":
    main(sys.argv[1:])
