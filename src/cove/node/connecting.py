"""A connection to an address that is known by its number. The loop's own `sock_connect` is not for this.

uvloop's looks even numbers up, in a thread of a pool: a seventh of a millisecond, and a queue where many connect.
"""

import asyncio
import errno
import os
import socket

_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EALREADY})


async def connect(connection: socket.socket, place: tuple[str, int]) -> None:
    """Connect a socket that does not block; raises OSError."""
    for _ in range(2):  # what is near has answered before the kernel is asked once more
        failure = connection.connect_ex(place)
        if failure not in _UNDER_WAY:
            break
    else:
        await _writable(connection)
        failure = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if failure:
        raise OSError(failure, os.strerror(failure))


async def _writable(connection: socket.socket) -> None:
    loop, is_writable = asyncio.get_running_loop(), asyncio.Event()
    loop.add_writer(connection, is_writable.set)
    try:
        await is_writable.wait()
    finally:
        loop.remove_writer(connection)
