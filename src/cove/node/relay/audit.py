"""One line of JSON for each connection: whose, where to, what was decided, how many bytes. Never what was said."""

import os
import queue
import threading
import time
from collections import deque
from pathlib import Path

import msgspec

from cove.core.network import Connection

MOST_LINES = 200
"""In one answer to who asks for a session's lines: they fit into one packet."""
_MOST_KEPT, _MOST_WAITING = 1000, 4096
_LARGEST = 64 * 1024 * 1024
_GATHER_SECONDS = 0.02
"""Lines are written together: a thread that wakes for each takes its turns from the connections."""


class Audit:
    """Writes in a thread of its own: a reader of the log that stands still must not stop the relay."""

    def __init__(self, fd: int = 2) -> None:
        self._fd = fd
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._lost = 0
        threading.Thread(target=self._write, daemon=True).start()

    def note(self, session: str, line: Connection) -> None:
        """Hand a line over; when too many wait, it is counted and lost."""
        if self._lines.qsize() >= _MOST_WAITING:
            self._lost += 1
        else:
            self._lines.put(msgspec.json.encode({"session": session} | msgspec.structs.asdict(line)) + b"\n")

    def go_on_in(self, fd: int) -> None:
        """Write what comes next to another file."""
        os.dup2(fd, self._fd, inheritable=False)

    def _write(self) -> None:
        while True:
            text = self._lines.get()
            time.sleep(_GATHER_SECONDS)
            while not self._lines.empty():
                text += self._lines.get()
            if self._lost:
                text += b'{"time":%.3f,"lost_lines":%d}\n' % (time.time(), self._lost)
                self._lost = 0
            try:
                os.write(self._fd, text)
            except OSError:
                return


class Journal:
    """The last lines of one session, and the log of all."""

    def __init__(self, session: str, audit: Audit) -> None:
        self._session, self._audit = session, audit
        self._number = 0
        self._lines: deque[Connection] = deque(maxlen=_MOST_KEPT)

    def note(self, line: Connection) -> None:
        """Keep a line, which gets its number here."""
        self._number += 1
        line = msgspec.structs.replace(line, number=self._number)
        self._lines.append(line)
        self._audit.note(self._session, line)

    def after(self, number: int) -> tuple[Connection, ...]:
        """The first lines that follow `number`; below 0, the last lines there are."""
        if number < 0:
            return tuple(self._lines)[number:][-MOST_LINES:]
        return tuple(line for line in self._lines if line.number > number)[:MOST_LINES]


class LogFile:
    """The file of the log, at the node's side: when it has grown large it becomes `NAME.1`, and a new one begins."""

    def __init__(self, path: Path, largest: int = _LARGEST) -> None:
        self._path, self._largest = path, largest

    def open(self) -> int:
        """A descriptor to append to; raises OSError."""
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def put_aside(self) -> bool:
        """Put a file away that has grown too large, and say so; raises OSError."""
        if not self._path.exists() or self._path.stat().st_size < self._largest:
            return False
        self._path.replace(self._path.with_name(self._path.name + ".1"))
        return True
