"""A listening socket of a session: accepts within quotas, and keeps the tasks that serve what it accepted."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from cove.node.relay.quotas import Bucket

_AT_ONCE = 16
"""Connections accepted in one turn of the loop; then other sessions have theirs."""
_REST_SECONDS = 0.1

Serve = Callable[[socket.socket], Coroutine[Any, Any, None]]


class Door:
    """What is over a quota stays in the listener's queue, where it costs nobody but the session itself."""

    def __init__(self, listener: socket.socket, serve: Serve, *, most: Callable[[], int], bucket: Bucket) -> None:
        self._listener, self._serve, self._most, self._bucket = listener, serve, most, bucket
        self._tasks: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin to accept."""
        self._resting = None
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    async def close(self) -> None:
        """Stop accepting, and end what is being served."""
        if self._resting:
            self._resting.cancel()
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_AT_ONCE):
            if len(self._tasks) >= self._most() or self._bucket.is_empty(loop.time()):
                return self._rest()
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return None
            except OSError:  # no file is left to open: others will close theirs
                return self._rest()
            self._bucket.take()
            connection.setblocking(False)
            task = loop.create_task(self._serve(connection))  # kept here, and ended by close()
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return None

    def _rest(self) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        self._resting = loop.call_later(_REST_SECONDS, self.open)
