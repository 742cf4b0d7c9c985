"""Asks the server, and asks again where a connection was lost and asking twice is safe."""

import logging
from typing import Any, TypeVar

from cove.core.errors import ConnectionLost, ServerUnreachable
from cove.sdk._settings import ClientSettings
from cove.sdk._twins import AsyncHttp, async_met, async_sleep
from cove.sdk._wire.messages import Answer, Reply, Request, read

T = TypeVar("T")
PAUSES = (0.1, 0.4)
"""Seconds before the second and the third try."""
_log = logging.getLogger("cove")


class AsyncTransport:
    """One endpoint with one key."""

    def __init__(self, settings: ClientSettings) -> None:
        self.settings = settings
        self.http = AsyncHttp(settings)
        self._is_met = settings.local is None

    @property
    def endpoint(self) -> str:
        """How messages call the server."""
        return self.settings.address.shown

    async def ask(self, request: Request[T]) -> Answer[T]:
        """The answer to a request; raises a TransportFailed where there is none."""
        is_lost = False
        for pause in PAUSES if request.repeatable else ():
            try:
                return await self._ask_once(request, is_lost)
            except ConnectionLost:
                is_lost = True
            except ServerUnreachable:
                if not is_lost:
                    raise
            _log.debug("connection lost, asking again: %s", request.name)
            await async_sleep(pause)
        return await self._ask_once(request, is_lost)

    async def _ask_once(self, request: Request[T], is_repeated: bool) -> Answer[T]:
        reply = await self._send(request)
        return read(request, reply, self.endpoint, is_repeated)

    async def _send(self, request: Request[Any]) -> Reply:
        """Send it; the local Cove is started if it does not run, or has gone since: then it got nothing."""
        local = self.settings.local
        if not self._is_met and local is not None:
            await async_met(local)
            self._is_met = True
        try:
            return await self.http.send(request)
        except ServerUnreachable:
            if local is None:
                raise
            await async_met(local)
            return await self.http.send(request)

    async def close(self) -> None:
        """Close every connection."""
        await self.http.close()
