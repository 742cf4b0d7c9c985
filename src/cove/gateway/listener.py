"""The socket at which every session's links arrive: one port on each of this machine's loopback addresses."""

import socket

_BACKLOG = 4096


def listen_on_loopback(port: int) -> socket.socket:
    """Listen on `port` of all of 127.0.0.0/8, and on nothing that a network reaches; a free port if it is 0.

    A socket bound to the device `lo` hears nobody but this machine. Needs Linux 5.7, or root. Raises OSError.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))  # noqa: S104 - of `lo` alone
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
