"""Reading a log that grows and is rotated."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cove.cli.screen import printable

_LOOK_SECONDS = 0.2


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines of a file."""
    with log.open(encoding="utf-8", errors="replace") as file:
        return list(deque(file, maxlen=count))


def follow_lines(log: Path) -> Iterator[str]:
    """Lines as they are written from now on, across rotations; until the reader has enough."""
    file = log.open(encoding="utf-8", errors="replace")
    file.seek(0, 2)
    part = ""
    while True:
        part += file.readline()
        if part.endswith("\n"):
            yield part
            part = ""
        elif _was_rotated(log, file.fileno()):
            file.close()
            file = log.open(encoding="utf-8", errors="replace")
        else:
            time.sleep(_LOOK_SECONDS)


def _was_rotated(log: Path, descriptor: int) -> bool:
    import os

    return log.exists() and log.stat().st_ino != os.fstat(descriptor).st_ino


def readable(line: str) -> str:
    """A JSON line of the log as a line for people; another line as it is.

    >>> readable('{"event": "paused", "level": "info", "timestamp": "T", "session_id": "s-1"}')
    'T info    paused session_id=s-1'
    """
    try:
        fields = msgspec.json.decode(line)
    except msgspec.DecodeError:
        return printable(line.rstrip())
    if not isinstance(fields, dict):
        return printable(line.rstrip())
    head = f"{fields.pop('timestamp', '')} {fields.pop('level', ''):<7} {fields.pop('event', '')}"
    traceback = str(fields.pop("exception", "")).splitlines()
    first = printable(" ".join([head, *(f"{name}={value}" for name, value in fields.items())]))
    return "\n".join([first, *(f"    {printable(text)}" for text in traceback)])
