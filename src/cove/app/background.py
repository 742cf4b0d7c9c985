"""`cove up --background`: a Cove that holds no terminal and outlives its starter, one to a data directory.

The starter forks the server and waits for its word: that it answers, or why it does not. Of two starters at once, the
server of one gets the lock of the directory; the other starter waits for that one to answer.
"""

import contextlib
import os
import select
import signal
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from cove.app.data import DataDir
from cove.app.holder import await_answer, end_holder
from cove.app.local import Started, serve
from cove.app.settings import Settings
from cove.app.trust import published
from cove.core.api import Health
from cove.core.errors import CoveError, DataInUse, error_from_wire
from cove.sdk._local import is_replaceable

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_LOG_LINES = 5
_RESET = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
"""Signals that whoever starts us may have set aside for itself; both would be inherited."""
Serve = Callable[..., None]


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Why there will be no server."""

    code: str
    message: str
    facts: dict[str, Any] = {}


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The server answers."""

    started: Started


def start_in_background(settings: Settings, *, serve: Serve = serve) -> Started:
    """The Cove of that data directory, started if there is none; raises what keeps it from starting.

    One that is older than this and has nothing to do is ended first; the new one takes its sandboxes over.
    """
    data = DataDir(settings.data)
    data.prepare()
    deadline = time.monotonic() + _START_SECONDS
    while True:
        health = await_answer(data, deadline)
        if health is not None and not is_replaceable(health):
            return _standing(data, health)
        if health is not None:
            end_holder(data, _STOP_SECONDS, only=health.pid)
        with contextlib.suppress(DataInUse):  # somebody was faster; that one shall answer
            return _start(settings, data, serve, deadline)


def _standing(data: DataDir, health: Health) -> Started:
    trust = published(data) if health.url.startswith("https:") else None
    return Started(pid=health.pid, url=health.url, socket=f"unix://{data.socket}", data=str(data.root), trust=trust)


def _start(settings: Settings, data: DataDir, serve: Serve, deadline: float) -> Started:
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be_server(settings, data, serve, writer)
    os.close(writer)
    try:
        word = _read_word(reader, deadline)
    finally:
        os.close(reader)
    if word:
        return _understood(word)
    os.kill(pid, signal.SIGKILL)  # if it has not ended, it is too slow to be waited for
    raise CoveError(reason=_silent_end(data, os.waitpid(pid, 0)[1]))


def _read_word(reader: int, deadline: float) -> bytes:
    """What the server says first; nothing if it ends without a word, or says none in time."""
    word = b""
    while not word.endswith(b"\n"):
        left = max(0.0, deadline - time.monotonic())
        piece = os.read(reader, 65536) if select.select([reader], [], [], left)[0] else b""
        if not piece:
            return b""
        word += piece
    return word


def _understood(word: bytes) -> Started:
    said = msgspec.json.decode(word, type=Ready | Failed)
    if isinstance(said, Failed):
        raise error_from_wire(said.code, said.facts, said.message)
    return said.started


def _silent_end(data: DataDir, status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    with data.log.open(errors="replace") as log:
        last = "".join(deque(log, maxlen=_LOG_LINES)).strip()
    return f"the server ended {how} before it answered; the last lines of {data.log}:\n{last or '(none)'}"


def _be_server(settings: Settings, data: DataDir, serve: Serve, writer: int) -> NoReturn:
    """The forked process, to its end."""
    code = 1
    try:
        _detach(data, writer)
        serve(settings, is_background=True, on_started=lambda started: _say(writer, Ready(started=started)))
        code = 0
    except CoveError as error:
        _say(writer, Failed(code=error.code, message=str(error), facts=error.facts))
    except BaseException as error:  # noqa: BLE001 - the edge of the process: nobody above us would tell
        traceback.print_exc()
        _say(writer, Failed(code="CoveError", message=f"{type(error).__name__}: {error}; `cove logs` has more"))
    finally:
        sys.stderr.flush()
        os._exit(code)


def _say(writer: int, word: Ready | Failed) -> None:
    with contextlib.suppress(OSError):  # the starter has gone, or has heard its word already
        os.write(writer, msgspec.json.encode(word, enc_hook=str) + b"\n")
        os.close(writer)


def _detach(data: DataDir, writer: int) -> None:
    """Leave the starter's session, directory, signals and files; what is printed goes to the log."""
    os.setsid()
    os.chdir("/")
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(data.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.closerange(3, writer)
    os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))
