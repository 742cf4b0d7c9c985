"""A person at a terminal of their own, in which `cove` runs: what they type, what they see, and how it ends."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from tests.environment import clean_environment

PATIENCE = 60.0


class Person:
    """`cove` in a terminal of `cols` by `rows`; use as a context manager."""

    def __init__(self, data: str | Path, *words: str, cols: int = 80, rows: int = 24, **environ: str) -> None:
        self.screen, theirs = os.openpty()
        self.resize(cols, rows)
        self._before = termios.tcgetattr(theirs)
        self._theirs = theirs
        ours = clean_environment() | {"COVE_DATA": str(data), "TERM": "xterm-256color"} | environ
        self.process = subprocess.Popen(
            [sys.executable, "-c", _IN_A_TERMINAL, *words],
            env=ours, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        self.shown = b""

    def __enter__(self) -> "Person":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.screen)
        os.close(self._theirs)

    @property
    def text(self) -> str:
        return self.shown.decode(errors="replace")

    @property
    def uncoloured(self) -> str:
        return re.sub(r"\x1b\[[0-9;]*m", "", self.text)

    def type(self, keys: str) -> None:
        os.write(self.screen, keys.encode())

    def resize(self, cols: int, rows: int) -> None:
        fcntl.ioctl(self.screen, termios.TIOCSWINSZ, struct.pack("4H", rows, cols, 0, 0))

    def sees(self, pattern: str, patience: float = PATIENCE) -> "re.Match[str]":
        """What matches, as soon as it is on the screen."""
        end = time.monotonic() + patience
        while not (found := re.search(pattern, self.uncoloured)):
            assert self._look(max(0.0, end - time.monotonic())), f"{pattern!r} is not in …{self.text[-500:]!r}"
        return found

    def leaves(self) -> int:
        """The exit code, once `cove` has ended; everything it wrote has been seen."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None and time.monotonic() < end:
            self._look(0.1)
        code = self.process.wait(1)
        while self._look(0):
            pass
        return code

    def is_put_right(self) -> bool:
        """Whether the terminal is as it was before."""
        return termios.tcgetattr(self._theirs)[:4] == self._before[:4]

    def is_raw(self) -> bool:
        """Whether the terminal passes keys on as they are."""
        return not termios.tcgetattr(self._theirs)[3] & termios.ICANON

    def signal(self, number: int = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    def _look(self, seconds: float) -> bool:
        if not select.select([self.screen], [], [], seconds)[0]:
            return False
        self.shown += os.read(self.screen, 65536)
        return True


_IN_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv[0] = "cove"
from cove.cli import main
sys.exit(main())
"""
"""The terminal becomes that of the new session, so that a change of its size, and its end, are signals."""
