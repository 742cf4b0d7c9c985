"""This process's own terminal while another is shown on it: raw, its size watched, and put right again at the end."""

import os
import signal
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from cove.cli.modes import Modes
from cove.core.errors import InvalidInput, NotSupported

_IN, _OUT = 0, 1
_READ = 64 * 1024
_MOST_CELLS = 500
_ENDING = (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))


class Console:
    """Use as a context manager. `ended_by` is set once a signal, or the terminal's own end, says that it is over."""

    def __init__(self) -> None:
        """Find the terminal; raises InvalidInput where there is none, NotSupported on other systems."""
        if os.name != "posix":
            raise NotSupported(what="`cove session shell`", reason="this system has no terminals of Unix")
        if not (os.isatty(_IN) and os.isatty(_OUT)):
            remedy = "it needs a terminal for input and output; `cove session exec` runs commands for programs"
            raise InvalidInput(name="standard input or output", value="no terminal", remedy=remedy)
        self.ended_by = 0
        self.was_resized = False
        self._modes = Modes()
        self._restores: list[Callable[[], Any]] = []

    def __enter__(self) -> Self:
        import termios
        import tty

        modes = termios.tcgetattr(_IN)
        self._wake, write = os.pipe()
        for fd in (self._wake, write):
            os.set_blocking(fd, False)
        before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._restores += [lambda: os.close(write), lambda: os.close(self._wake), lambda: signal.set_wakeup_fd(before)]
        for number, act in ((signal.SIGWINCH, self._resized), *((each, self._ended) for each in _ENDING)):
            self._restores.append(_handle(number, act))
        self._restores.append(lambda: termios.tcsetattr(_IN, termios.TCSADRAIN, modes))
        tty.setraw(_IN, termios.TCSADRAIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import termios

        while self._restores:
            try:
                self._restores.pop()()
            except (OSError, termios.error):
                continue  # the terminal has gone

    def put_right(self) -> None:
        """Undo what a program switched on that had no time to switch it off again, and begin a new line."""
        self.write(self._modes.undo() + b"\r\n")

    def note(self, text: str) -> None:
        """A remark of ours between what the other terminal shows."""
        self.write(f"\r\ncove: {text}\r\n".encode())

    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        try:
            found = os.get_terminal_size(_OUT)
        except OSError:
            return 80, 24
        return min(max(found.columns, 1), _MOST_CELLS), min(max(found.lines, 1), _MOST_CELLS)

    @property
    def descriptors(self) -> tuple[int, int]:
        """What is readable when a key was pressed, and when a signal came."""
        return _IN, self._wake

    def read(self) -> bytes:
        """What was typed; raises nothing: where the terminal is gone, that is its end."""
        try:
            data = os.read(_IN, _READ)
        except OSError:
            data = b""
        if not data:
            self.ended_by = signal.SIGHUP
        return data

    def heed(self) -> None:
        """Take note of the signals that came; their handlers have run."""
        try:
            os.read(self._wake, _READ)
        except BlockingIOError:
            return

    def write(self, data: bytes) -> None:
        """Show it; waits while the terminal takes nothing."""
        self._modes.watch(data)
        while data and not self.ended_by:
            try:
                data = data[os.write(_OUT, data) :]
            except InterruptedError:
                continue
            except OSError:
                self.ended_by = signal.SIGHUP

    def _resized(self, _number: int, _frame: object) -> None:
        self.was_resized = True

    def _ended(self, number: int, _frame: object) -> None:
        self.ended_by = number


def _handle(number: int, act: Callable[[int, Any], None]) -> Callable[[], Any]:
    before = signal.signal(number, act)
    return lambda: signal.signal(number, before)
