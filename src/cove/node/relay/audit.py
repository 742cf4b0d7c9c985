"""One line of JSON for each connection: whose, where to, what was decided, how many bytes. Never what was said."""

import os
import queue
import threading
import time

import msgspec

_MOST_WAITING = 4096


class Line(msgspec.Struct, frozen=True):
    """One connection, at its end. `verdict` is carried, refused or failed; bytes are from the session's side."""

    time: float
    session: str
    host: str
    port: int
    verdict: str
    rx_bytes: int = 0
    tx_bytes: int = 0
    reason: str = ""


class Audit:
    """Writes in a thread of its own: a reader of the log that stands still must not stop the relay."""

    def __init__(self, fd: int = 2) -> None:
        self._fd = fd
        self._lines: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
        self._lost = 0
        threading.Thread(target=self._write, daemon=True).start()

    def note(self, line: Line) -> None:
        """Hand a line over; when too many wait, it is counted and lost."""
        try:
            self._lines.put_nowait(msgspec.json.encode(line) + b"\n")
        except queue.Full:
            self._lost += 1

    def _write(self) -> None:
        while True:
            text = self._lines.get()
            if self._lost:
                text += b'{"time":%.3f,"lost_lines":%d}\n' % (time.time(), self._lost)
                self._lost = 0
            try:
                os.write(self._fd, text)
            except OSError:
                return
