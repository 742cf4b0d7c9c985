"""Run a function in a child process that can neither outlive its time nor leave a mark on us."""

import contextlib
import os
import select
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

_LONGEST_ANSWER = 65536


def in_child(act: Callable[[], dict[str, Any]], *, seconds: float) -> dict[str, Any] | None:
    """What `act` returned in a forked child, as plain JSON values; None if it crashed or took longer than `seconds`.

    The child leads a process group, which is killed whole at the end: whatever it started ends with it.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _answer(act, writer)
    _lead_group(child)
    os.close(writer)
    try:
        ready, _, _ = select.select([reader], [], [], seconds)
        answer = os.read(reader, _LONGEST_ANSWER) if ready else b""
    finally:
        os.close(reader)
        _end_group(child)
    return msgspec.json.decode(answer) if answer else None


def _answer(act: Callable[[], dict[str, Any]], writer: int) -> NoReturn:
    try:
        _lead_group(0)
        os.write(writer, msgspec.json.encode(act())[:_LONGEST_ANSWER])
    finally:
        os._exit(0)  # neither atexit handlers nor buffers of ours are the child's to run


def _lead_group(child: int) -> None:
    """Done by both of us: whoever comes second finds it done, and neither goes on before it is."""
    with contextlib.suppress(OSError):
        os.setpgid(child, child)


def _end_group(child: int) -> None:
    for kill, target in ((os.killpg, child), (os.kill, child)):
        try:
            kill(target, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os.waitpid(child, 0)
