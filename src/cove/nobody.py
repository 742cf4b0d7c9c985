"""How a process of ours that reads what strangers send runs: with many files open, and with no right to open another.

The gateway and the relay are such processes. Whatever they need comes through sockets that they were given before.
"""

import asyncio
import os
import resource
import sys
from collections.abc import Callable, Coroutine

import uvloop

_NOBODY = 65534


def run_as_nobody(name: str, serve: Callable[[int], Coroutine[object, object, None]]) -> None:
    """Run `serve`, which is told how many files it may open; `name` says in messages whose process this is."""
    file_limit = _open_more_files()
    "example".encode("idna")  # what is imported late must be imported before we can read nothing any more
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _become_nobody(name)
        runner.run(serve(file_limit))


def _open_more_files() -> int:
    """Raise the limit as far as we may; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _become_nobody(name: str) -> None:
    """Give up every right, and never leave what was read in a core file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() != 0:
        return
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError as error:  # root of a container that has no other user ids
        print(f"{name} stays uid {os.geteuid()}: {error}", file=sys.stderr)
