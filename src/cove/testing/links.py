"""Links of a Cove under test: a true gateway, which starts when the first of them is followed."""

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

from cove.core.link import LinkPlace
from cove.core.ports import LinkDoor
from cove.gateway import Gateway, listen_on_loopback


@contextlib.contextmanager
def serving_links(settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """`settings` of a server and, unless they speak of links themselves, those that give it a gateway."""
    if "links" in settings:
        yield settings
        return
    with contextlib.closing(listen_on_loopback(0)) as listener:
        place = LinkPlace(port=listener.getsockname()[1])
        yield {**settings, "links": place, "beside": lambda door: _gateway(door, listener)}


@contextlib.asynccontextmanager
async def _gateway(door: LinkDoor, listener: socket.socket) -> AsyncIterator[None]:
    gateway = Gateway(door, listener)
    await gateway.start()
    try:
        yield
    finally:
        await gateway.stop()
