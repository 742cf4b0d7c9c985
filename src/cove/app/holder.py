"""The process that holds a data directory: waiting until it answers, and ending it."""

import os
import select
import signal
import time

from cove.app.data import DataDir
from cove.core.api import Health
from cove.core.errors import CoveError
from cove.sdk._local import health_of

_LOOK_SECONDS = 0.05


def await_answer(data: DataDir, deadline: float) -> Health | None:
    """What the holder says of itself once it answers; None if nobody holds the directory (any more).

    `deadline` is of the monotonic clock; raises CoveError after it.
    """
    while (pid := data.holder()) is not None:
        if health := health_of(str(data.socket)):
            return health
        if time.monotonic() > deadline:
            raise CoveError(reason=f"process {pid} holds {data.root} and does not answer; `cove stop` ends it")
        _await_end(pid)
    return None


def _await_end(pid: int) -> None:
    """Wait for a moment, or less if the process ends before."""
    try:
        handle = os.pidfd_open(pid)
    except (ProcessLookupError, OSError):  # it has ended, or has not written its number down yet
        time.sleep(_LOOK_SECONDS)
        return
    try:
        select.select([handle], [], [], _LOOK_SECONDS)
    finally:
        os.close(handle)


def end_holder(data: DataDir, timeout: float, only: int | None = None) -> int | None:
    """Ask the server to end and wait until it has; the process it was, or None. Raises CoveError if it stays.

    With `only`, another process than that one is left alone.
    """
    pid = data.holder()
    if pid is None or only not in (None, pid):
        return None
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return pid
    try:
        _end(data, pid, handle, timeout)
    except ProcessLookupError:
        return pid
    finally:
        os.close(handle)
    return pid


def _end(data: DataDir, pid: int, handle: int, timeout: float) -> None:
    if data.holder() != pid:  # else the handle is the server's, and no later process's with the same number
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
    except PermissionError as error:
        raise CoveError(reason=f"process {pid} belongs to another user; only they or root may stop it") from error
    if not select.select([handle], [], [], timeout)[0]:
        raise CoveError(reason=f"process {pid} has not ended within {timeout:g} s; `cove logs` may tell why")
