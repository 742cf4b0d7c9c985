"""Between this process's terminal and one in a session: keys one way, bytes the other, and `~.` to leave."""

import select
from typing import TYPE_CHECKING

from cove.core.terminal import Detached, Exited, Failed, Heard, Kill, Opened, Paused, Resize
from cove.sdk._wire import terminals as wire

if TYPE_CHECKING:
    from cove.cli.console import Console
    from cove.sdk._sockets import WebSocket

_SILENCE = 90.0
"""Seconds without a word from the server, which sends a ping every twenty, until the connection counts as lost."""
_STARTS = b"\r\n"
_MARK, _LEAVE = ord("~"), ord(".")


class Escape:
    """Finds `~.` at the start of a line, as `ssh` has it; `~~` there is one `~`."""

    def __init__(self) -> None:
        self._at_start = True
        self._held = False

    def filter(self, keys: bytes) -> tuple[bytes, bool]:
        r"""What is to be passed on, and whether to leave.

        >>> Escape().filter(b"~~a\r~.rest")
        (b'~a\r', True)
        """
        passed = bytearray()
        for key in keys:
            if self._held:
                self._held = False
                if key == _LEAVE:
                    return bytes(passed), True
                passed += b"~" if key == _MARK else bytes((_MARK, key))
            elif self._at_start and key == _MARK:
                self._held = True
                continue
            else:
                passed.append(key)
            self._at_start = key in _STARTS
        return bytes(passed), False


class Bridge:
    """Runs until the terminal inside has ended, or the person leaves, or is gone.

    `terminal_id` is that of a terminal which lived before: what fills its screen is drawn anew.
    """

    def __init__(
        self,
        socket: "WebSocket",
        console: "Console",
        session_id: str,
        *,
        terminal_id: str = "",
        silence: float = _SILENCE,
    ) -> None:
        self.terminal_id = terminal_id
        self._socket = socket
        self._console = console
        self._session_id = session_id
        self._is_redrawn = bool(terminal_id)
        self._escape = Escape()
        self._last: Exited | Detached | Failed | None = None
        self._has_left = False
        self._silence = silence

    @property
    def again(self) -> str:
        """The command that shows this terminal again."""
        return f"`cove session shell --attach {self.terminal_id} {self._session_id}`"

    def run(self) -> Exited | Detached | Failed | None:
        """How it ended; None if the person left. Raises ConnectionLost."""
        if self._is_redrawn:
            self._redraw()
        while self._last is None and not self._has_left and not self._console.ended_by:
            self._turn()
        if self._console.ended_by:
            self._socket.send(wire.said(Kill("HUP")))
        return self._last

    def _turn(self) -> None:
        keys, wake = self._console.descriptors
        ready = self._wait(keys, wake)
        if wake in ready:
            self._console.heed()
        if self._console.was_resized:
            self._console.was_resized = False
            self._socket.send(wire.said(Resize(*self._console.size())))
        if keys in ready:
            self._type(self._console.read())
        if self._socket.waits:
            self._socket.flush()
        for message in self._socket.receive():
            self._hear(message)
        self._socket.check_alive(self._silence)

    def _wait(self, keys: int, wake: int) -> set[int]:
        poller, socket = select.poll(), self._socket
        poller.register(wake, select.POLLIN)
        poller.register(socket.fileno(), select.POLLIN | (select.POLLOUT if socket.waits else 0))
        if not socket.waits:
            poller.register(keys, select.POLLIN)
        return {fd for fd, _ in poller.poll(0 if socket.has_more else self._silence * 250)}

    def _type(self, keys: bytes) -> None:
        passed, self._has_left = self._escape.filter(keys)
        if passed:
            self._socket.send(passed)

    def _redraw(self) -> None:
        """Have what fills the screen draw it again: programs do when the size changes.

        Before any key: a shell that hears of a size between a line and its output shows the line twice.
        """
        cols, rows = self._console.size()
        for size in (Resize(cols, max(rows - 1, 1)), Resize(cols, rows)):
            self._socket.send(wire.said(size))

    def _hear(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            self._console.write(message)
            return
        heard: Heard = wire.heard(message, self._socket.endpoint)
        if isinstance(heard, Opened):
            self.terminal_id = heard.terminal_id
        elif isinstance(heard, Paused):
            remedy = f"`cove session resume {self._session_id}` lets it go on, and `~.` leaves"
            self._console.note(f"the session is paused; {remedy}")
        else:
            self._last = heard
