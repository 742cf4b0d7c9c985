"""One terminal: a PTY, what runs on it, and the thread that moves its bytes.

What runs on it is slowed down to whoever looks at it, and to nobody when nobody does: then the last of its output is
kept for the next one. Nothing here grows with what either side sends.
"""

import errno
import fcntl
import os
import select
import signal
import socket
import struct
import termios
from collections import deque
from collections.abc import Callable

from cove.core.terminal import (
    Detached,
    Exited,
    FromGuest,
    Kill,
    PacketReader,
    PacketRefused,
    Resize,
    Said,
    TerminalView,
    data_packets,
    message_packet,
)
from cove.guest.children import Child, Deadline
from cove.guest.threads import Lock, start_thread

KEPT = 64 * 1024
"""Bytes of output that nobody saw, kept for whoever looks next; and of input that nobody reads."""
_READ = 32 * 1024
_LAST_BYTES = 256 * 1024
_LAST_SECONDS = 10.0
"""For whoever looks to take what was printed before the end."""
_UTF8 = 0o40000
"""The flag IUTF8: the terminal's own line editing deletes letters and not bytes."""
_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Pty:
    """A pair of terminal ends. The slave stays open here, too: else the master is hung up while its shell lives on."""

    def __init__(self) -> None:
        self.master, self.slave = os.openpty()
        self.size = (0, 0)
        modes = termios.tcgetattr(self.slave)
        modes[0] |= _UTF8
        termios.tcsetattr(self.slave, termios.TCSANOW, modes)

    def resize(self, cols: int, rows: int) -> None:
        """Set the size; the kernel tells what runs on it."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("4H", rows, cols, 0, 0))
        self.size = (cols, rows)

    def close(self) -> None:
        """Close both ends."""
        os.close(self.master)
        os.close(self.slave)


class Line:
    """Whoever looks at a terminal: their connection, and what they have not taken yet."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._reader: PacketReader[Said] = PacketReader(Said)  # type: ignore[arg-type]  # a union is a type to msgspec
        self._pending = b""
        self.fd = connection.fileno()

    def is_waiting(self) -> bool:
        """Whether they must first take what they were given."""
        return bool(self._pending)

    def give(self, data: bytes) -> None:
        """Send packets, now or when there is room; raises OSError."""
        self._pending += data
        self.flush()

    def flush(self) -> None:
        """Send what there is room for; raises OSError."""
        try:
            self._pending = self._pending[self._connection.send(self._pending) :]
        except BlockingIOError:
            return

    def listen(self) -> list[bytes | Said]:
        """What they said; raises OSError when they have gone, and PacketRefused."""
        data = self._connection.recv(_READ)
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "gone")
        return self._reader.feed(data)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Terminal:
    """`attach`, `kill` and `view` may be called from any thread. `on_end` is told when nobody needs it any more."""

    def __init__(self, terminal_id: str, child: Child, pty: Pty, on_end: Callable[[str], None]) -> None:
        self.id = terminal_id
        self.has_ended = False
        self._child = child
        self._pty = pty
        self._master = pty.master
        self._on_end = on_end
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = Lock()
        self._wishes: deque[Callable[[], None]] = deque()
        self._line: Line | None = None
        self._shown_turn = -1
        self._is_awaited = True
        self._input = b""
        self._unseen = b""
        self._exited = Exited(0)
        os.set_blocking(pty.master, False)

    def start(self) -> None:
        """Run; raises RuntimeError where no thread can be had."""
        start_thread(self._run)

    def view(self) -> TerminalView:
        """How it stands."""
        cols, rows = self._pty.size
        return TerminalView(terminal_id=self.id, cols=cols, rows=rows, attached=self.is_attached())

    def is_attached(self) -> bool:
        """Whether somebody looks at it, or has just asked to."""
        return self._line is not None or self._is_awaited

    def attach(self, connection: socket.socket, turn: int) -> None:
        """Show it on this connection, which is ours from now on; whoever asked before is told, and hung up on.

        `turn` is the order in which they asked: answers may pass one another.
        """
        if not self._wish(lambda: self._take(connection, turn)):
            self._bid_farewell(Line(connection))

    def leave(self) -> None:
        """Whoever asked for it has gone before it was shown to them."""
        self._is_awaited = False

    def kill(self, name: str) -> None:
        """Send a signal, SIGKILL or SIGHUP, to what runs on it."""
        self._wish(lambda: self._signal(name))

    def discard(self) -> None:
        """End it before `start`, or where that failed."""
        self._child.__exit__()
        self._close()

    def _wish(self, act: Callable[[], None]) -> bool:
        """Have the terminal's own thread act; False if it has ended."""
        with self._lock:
            if not self.has_ended:
                self._wishes.append(act)
                os.eventfd_write(self._wake, 1)
            return not self.has_ended

    def _run(self) -> None:
        with self._child:
            while self._turn():
                pass
            self._exited = Exited(self._child.reap_signed())
            self._read_rest()
        with self._lock:
            self.has_ended = True
        self._heed()
        self._close()
        if self._line is not None:
            self._bid_farewell(self._line)

    def _close(self) -> None:
        self._pty.close()
        os.close(self._wake)

    def _turn(self) -> bool:
        """Wait for something to do and do it; False once the shell has ended."""
        ready = self._poll()
        if self._wake in ready:
            self._heed()
        if self._line is not None and (events := ready.get(self._line.fd)):
            self._serve(self._line, events)
        events = ready.get(self._master, 0)
        if events & select.POLLOUT:
            self._write()
        if events & select.POLLIN:
            self._show(self._read())
        return self._child.fd not in ready

    def _poll(self) -> dict[int, int]:
        poller, line = select.poll(), self._line
        poller.register(self._wake, select.POLLIN)
        poller.register(self._child.fd, select.POLLIN)
        reads = line is None or not line.is_waiting()
        poller.register(self._master, (select.POLLIN if reads else 0) | (select.POLLOUT if self._input else 0))
        if line is not None:
            listens = len(self._input) < KEPT
            poller.register(line.fd, (select.POLLIN if listens else 0) | (0 if reads else select.POLLOUT))
        return dict(poller.poll())

    def _heed(self) -> None:
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:
            return
        while self._wishes:
            self._wishes.popleft()()

    def _serve(self, line: Line, events: int) -> None:
        try:
            if events & select.POLLOUT:
                line.flush()
            if events & select.POLLIN:
                for said in line.listen():
                    self._hear(said)
            elif events & _GONE:
                self._drop(line)
        except (OSError, PacketRefused):
            self._drop(line)

    def _drop(self, line: Line) -> None:
        line.close()
        if self._line is line:
            self._line = None

    def _hear(self, said: bytes | Said) -> None:
        if isinstance(said, bytes):
            self._input += said
            self._write()
        elif isinstance(said, Resize):
            self._pty.resize(said.cols, said.rows)
        elif isinstance(said, Kill):
            self._signal(said.signal)

    def _take(self, connection: socket.socket, turn: int) -> None:
        last, line = self._line, Line(connection)
        if turn < self._shown_turn:
            last = line
        else:
            self._line, self._shown_turn = line, turn
        self._is_awaited = False
        if last is not None:
            self._tell(last, Detached())
            self._drop(last)
        unseen, self._unseen = self._unseen, b""
        self._show(unseen)

    def _tell(self, line: Line, message: FromGuest) -> None:
        try:
            line.give(message_packet(message))
        except OSError:
            return  # they have gone by themselves

    def _write(self) -> None:
        try:
            self._input = self._input[os.write(self._master, self._input) :]
        except BlockingIOError:
            return
        except OSError:
            self._input = b""

    def _read(self) -> bytes:
        """What was printed; nothing, once the terminal was hung up."""
        try:
            return os.read(self._master, _READ)
        except OSError:
            return b""

    def _show(self, data: bytes) -> None:
        if not data:
            return
        if self._line is None:
            self._unseen = (self._unseen + data)[-KEPT:]
            return
        try:
            self._line.give(data_packets(data))
        except OSError:
            self._drop(self._line)
            self._show(data)

    def _read_rest(self) -> None:
        """What lies in the terminal at the end of its shell; what still writes to it was left behind by it."""
        left = _LAST_BYTES
        while left > 0 and (data := self._read()):
            left -= len(data)
            self._show(data)

    def _signal(self, name: str) -> None:
        """To the shell and to what stands in the foreground; what was put into the background may live on."""
        numbers = (signal.SIGKILL,) if name == "KILL" else (signal.SIGHUP, signal.SIGCONT)
        for group in {self._child.pid, _foreground(self._master)} - {0}:
            for number in numbers:
                try:
                    os.killpg(group, number)
                except (ProcessLookupError, PermissionError):
                    continue

    def _bid_farewell(self, line: Line) -> None:
        """After the end: what they have not seen, and how it ended."""
        poller, deadline = select.poll(), Deadline(_LAST_SECONDS)
        poller.register(line.fd, select.POLLOUT)
        try:
            line.give(data_packets(self._unseen) + message_packet(self._exited))
            while line.is_waiting() and deadline.left > 0:
                if deadline.poll(poller):
                    line.flush()
            self._on_end(self.id)  # before they are hung up on: who has seen its end finds it nowhere
        except OSError:
            return  # they have gone: whoever comes next is told
        finally:
            line.close()


def _foreground(master: int) -> int:
    try:
        return max(os.tcgetpgrp(master), 0)
    except OSError:
        return 0
