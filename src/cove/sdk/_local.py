"""This user's own Cove: whether it answers, and how it is started where it does not.

The starting itself is that of `cove up --background`: whoever starts it, the same rules hold. Nothing here is
asynchronous; where an event loop runs, it is done in a thread.
"""

import contextlib
import logging
import os
import socket
import subprocess
import sys
import threading

import msgspec

from cove.core.api import Health
from cove.core.errors import LocalCoveFailed
from cove.core.version import __version__

_LOOK_SECONDS = 5.0
_START_SECONDS = 180.0
"""More than its starter takes at most: the very first start renders the image."""
_MOST_BYTES = 65536
_ASK = b"GET /healthz HTTP/1.1\r\nHost: cove\r\nConnection: close\r\n\r\n"
_turn = threading.Lock()
_log = logging.getLogger("cove")


class LocalCove(msgspec.Struct, frozen=True, kw_only=True):
    """Where it keeps its data, the path of its socket, and the variables with which it is started."""

    data: str
    socket: str
    variables: dict[str, str]


def meet(local: LocalCove) -> None:
    """See that a Cove answers there which is not older than this client; raises LocalCoveFailed.

    One that is older, runs in the background and has nothing to do is replaced; its sessions live on.
    """
    if sys.platform != "linux" or not sys.executable:
        raise _failed(local, "sandboxes need Linux and a Python that can be started; set COVE_ENDPOINT to a Cove")
    with _turn:
        _check_owner(local)
        health = health_of(local.socket)
        if health is None or is_replaceable(health):
            _start(local)
        elif is_older(health.version):
            _log.warning("the Cove at %s is of version %s, older than this client's", local.socket, health.version)


def health_of(path: str) -> Health | None:
    """What the server behind a Unix socket says of itself; None if nothing there answers as a Cove does."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(OSError):
        connection.settimeout(_LOOK_SECONDS)
        connection.connect(path)
        connection.sendall(_ASK)
        while len(answer) < _MOST_BYTES and (piece := connection.recv(_MOST_BYTES)):
            answer += piece
    try:
        return msgspec.json.decode(answer.partition(b"\r\n\r\n")[2], type=Health)
    except msgspec.DecodeError:
        return None


def is_replaceable(health: Health) -> bool:
    """Whether this version may end that server, to take its place."""
    return health.is_background and not health.is_busy and is_older(health.version)


def is_older(version: str) -> bool:
    """Whether a version comes before this one's.

    >>> is_older("0.0.9"), is_older(__version__), is_older("99.0")
    (True, False, False)
    """
    return _numbers(version) < _numbers(__version__)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _check_owner(local: LocalCove) -> None:
    """A socket that another user has put there would be told everything that is meant for ours."""
    try:
        owner = os.stat(local.socket).st_uid
    except OSError:
        return
    if owner not in (0, os.geteuid()):
        raise _failed(local, f"the socket belongs to user {owner}; set COVE_DATA to a directory of your own")


def _start(local: LocalCove) -> None:
    command = [sys.executable, "-P", "-m", "cove.app", local.data]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        command, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE, env=local.variables, start_new_session=True
    ) as starter:
        try:
            _, said = starter.communicate(timeout=_START_SECONDS)
        except subprocess.TimeoutExpired:
            starter.kill()
            raise _failed(local, f"it was not ready within {_START_SECONDS:g} s") from None
    if starter.returncode:
        raise _failed(local, _cause(said.decode(errors="replace"), starter.returncode))
    _log.info("started the local Cove at %s", local.socket)


def _cause(said: str, code: int) -> str:
    return said.strip().rpartition("cove: ")[2] or f"its starter ended with exit code {code}"


def _failed(local: LocalCove, reason: str) -> LocalCoveFailed:
    return LocalCoveFailed(endpoint=f"unix://{local.socket}", reason=reason)
