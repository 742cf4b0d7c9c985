"""The two doors of the server, bound before it starts: TCP, where a key is shown, and a Unix socket, where a uid is."""

import errno
import os
import socket

from cove.app.data import DataDir
from cove.core.errors import InvalidSetting

_BACKLOG = 2048


def open_tcp(host: str, port: int) -> socket.socket:
    """A listening TCP socket, on a free port if `port` is 0; raises InvalidSetting if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
        door.listen(_BACKLOG)
    except OSError as error:
        door.close()
        raise _no_door(host, port, error) from error
    return door


def _no_door(host: str, port: int, error: OSError) -> InvalidSetting:
    if error.errno == errno.EADDRINUSE:
        remedy = f"something listens there on {host}; choose another with --port"
        return InvalidSetting(name="port", value=port, remedy=remedy)
    if error.errno == errno.EACCES:
        return InvalidSetting(name="port", value=port, remedy="only root may listen on a port below 1024")
    remedy = f"{os.strerror(error.errno or 0)}; give an address of this machine"
    return InvalidSetting(name="host", value=host, remedy=remedy)


def open_unix(data: DataDir) -> socket.socket:
    """A listening socket in the data directory. Call it under the lock: a socket found there is then a dead one's."""
    data.socket.unlink(missing_ok=True)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.bind(str(data.socket))
    data.socket.chmod(0o600)
    door.listen(_BACKLOG)
    return door


def address_of(door: socket.socket, scheme: str = "http", name: str = "") -> str:
    """What a client gives as COVE_ENDPOINT to come in by this door: by its host `name`, or on this machine."""
    if door.family == socket.AF_UNIX:
        return f"unix://{door.getsockname()}"
    host, port = door.getsockname()[:2]
    shown = name or {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"
