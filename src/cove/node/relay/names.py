"""Asks the host's resolver what names lead to; one question serves every session for half a minute."""

import asyncio
import socket
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from cove.core.network import Address
from cove.node.relay.policy import parse_address

_THREADS = 256
"""More than a few sessions together may hold (RESOLUTIONS each), whose names nobody answers for."""
_REMEMBERED_SECONDS, _MISSING_SECONDS = 30.0, 5.0
_REMEMBERED_NAMES = 4096
_NO_SUCH_NAME = (socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_FAIL)


class Names:
    """The look-ups of all sessions. `turn` is a session's own right to have some under way."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="resolve")
        self._known: OrderedDict[str, tuple[float, list[Address]]] = OrderedDict()
        self._asked: dict[str, asyncio.Future[list[Address]]] = {}

    def recall(self, name: str) -> list[Address] | None:
        """What is remembered of a name; None where it must be looked up."""
        until, found = self._known.get(name, (0.0, []))
        return found if asyncio.get_running_loop().time() < until else None

    async def look_up(self, name: str, turn: asyncio.Semaphore) -> list[Address]:
        """The addresses of a name, none when there is no such name. Raises OSError when nobody could say."""
        found = self.recall(name)
        if found is not None:
            return found
        async with turn:
            if name not in self._asked:
                asked = asyncio.get_running_loop().run_in_executor(self._threads, _ask, name)
                self._asked[name] = asked
                asked.add_done_callback(lambda done: self._keep(name, done))
            return await asyncio.shield(self._asked[name])

    def _keep(self, name: str, asked: asyncio.Future[list[Address]]) -> None:
        del self._asked[name]
        if asked.cancelled() or asked.exception():
            return
        found = asked.result()
        seconds = _REMEMBERED_SECONDS if found else _MISSING_SECONDS
        self._known[name] = (asyncio.get_running_loop().time() + seconds, found)
        self._known.move_to_end(name)
        if len(self._known) > _REMEMBERED_NAMES:
            self._known.popitem(last=False)


def _ask(name: str) -> list[Address]:
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _NO_SUCH_NAME:
            return []
        raise
    except UnicodeError:
        return []
    return list(dict.fromkeys(parse_address(str(answer[4][0]).partition("%")[0]) for answer in answers))
