"""Large bodies pass from one connection to the other inside the kernel, by splice(2), and are never copied to us."""

import asyncio
import contextlib
import fcntl
import os
from collections.abc import Callable
from functools import partial

from cove.gateway.sessions import Visited
from cove.gateway.wire import Broken, Wire

WORTH_IT = 256 * 1024
"""Bytes still to come from which on the pipe pays for itself."""
_PIPE_BYTES = 1024 * 1024
"""A user's pipes share 64 MiB: beyond that they are smaller, and slower."""
Watch = Callable[[Callable[[], None]], object]
Unwatch = Callable[[], object]
_FLAGS = os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK


async def splice(source: Wire, sink: Wire, length: int, visited: Visited) -> None:
    """Carry `length` bytes; raises Broken if either end breaks, or `source` ends before."""
    with contextlib.ExitStack() as opened, source.lent():
        length -= await _carry_held(source, sink, length)
        if not length:
            return
        taken, given = _copies(opened, source, sink)
        out, into = _pipe(opened)
        loop = asyncio.get_running_loop()
        readable = partial(loop.add_reader, taken), partial(loop.remove_reader, taken)
        writable = partial(loop.add_writer, given), partial(loop.remove_writer, given)
        while length:
            moved = await _move(taken, into, min(length, _PIPE_BYTES), *readable)
            length, visited.has_flow = length - moved, True
            while moved:
                moved -= await _move(out, given, moved, *writable)
            await asyncio.sleep(0)  # a fast stream must not have the loop for itself


async def _carry_held(source: Wire, sink: Wire, length: int) -> int:
    """What has come before nobody read any more."""
    held = source.held()
    part, rest = held[:length], held[length:]
    source.put_back(rest)
    if part:
        await sink.send(part)
    return len(part)


def _copies(opened: contextlib.ExitStack, *wires: Wire) -> list[int]:
    """Descriptors of our own: the loop watches a transport's for itself."""
    copies = [os.dup(wire.fileno()) for wire in wires]
    for copy in copies:
        opened.callback(os.close, copy)
    return copies


def _pipe(opened: contextlib.ExitStack) -> tuple[int, int]:
    out, into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    opened.callback(os.close, out)
    opened.callback(os.close, into)
    with contextlib.suppress(PermissionError):
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return out, into


async def _move(source: int, sink: int, length: int, watch: Watch, unwatch: Unwatch) -> int:
    """Some bytes, as soon as `watch` says that there are any, or room for any; raises Broken at the end."""
    while True:
        try:
            moved = os.splice(source, sink, length, flags=_FLAGS)
        except BlockingIOError:
            await _ready(watch, unwatch)
            continue
        except OSError as error:
            raise Broken from error
        if not moved:
            raise Broken
        return moved


async def _ready(watch: Watch, unwatch: Unwatch) -> None:
    ready = asyncio.Event()
    watch(ready.set)
    try:
        await ready.wait()
    finally:
        unwatch()
