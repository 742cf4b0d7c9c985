"""Threads and locks from `_thread`. Not from `threading`, which has work to do in each forked child.

There it makes its list of threads anew, for which the child must first have the pages that this needs: a third of a
millisecond of every command and every file tool (docs/explanation/guest.md). No child of a guest starts a thread.
"""

import _thread
from collections.abc import Callable
from typing import Any

Lock = _thread.allocate_lock
"""Makes a lock, to be held by `with`."""


def start_thread(work: Callable[..., object], *arguments: Any) -> None:
    """Run `work` in a thread that nobody waits for; raises RuntimeError where none can be had."""
    _thread.start_new_thread(work, arguments)


class Gate:
    """Closed until somebody opens it, once and for all."""

    def __init__(self) -> None:
        self._closed = Lock()
        self._closed.acquire()

    def open(self) -> None:
        """Let everybody through."""
        self._closed.release()

    def pass_through(self) -> None:
        """Wait until it is open."""
        with self._closed:
            pass
