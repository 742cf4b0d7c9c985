"""Keys as they are pressed, without a line's end, while a screen is shown."""

import os
import select
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

_QUIT = frozenset(b"qQ\x03\x04")


class Keys:
    """Use as a context manager. Where input is no terminal nothing is ever pressed, and Ctrl-C is the way out."""

    def __init__(self) -> None:
        self._restore: Callable[[], Any] | None = None

    def __enter__(self) -> Self:
        if os.name == "posix" and sys.stdin is not None and sys.stdin.isatty():
            import termios
            import tty

            fd, modes = sys.stdin.fileno(), termios.tcgetattr(sys.stdin)
            tty.setcbreak(fd, termios.TCSADRAIN)
            self._restore = lambda: termios.tcsetattr(fd, termios.TCSADRAIN, modes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._restore is not None:
            self._restore()

    def quit_within(self, seconds: float) -> bool:
        """Wait; whether somebody wants to leave."""
        try:
            return self._wait(seconds)
        except KeyboardInterrupt:
            return True

    def _wait(self, seconds: float) -> bool:
        if self._restore is None:
            time.sleep(seconds)
            return False
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return False
        pressed = os.read(sys.stdin.fileno(), 1024)
        return not pressed or bool(_QUIT & set(pressed))
