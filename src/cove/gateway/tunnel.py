"""Bytes both ways between two connections, once they speak a protocol that is not ours to read."""

import asyncio

from cove.gateway.sessions import Visited
from cove.gateway.wire import Broken, Wire


async def tunnel(client: Wire, server: Wire, visited: Visited) -> None:
    """Carry until both have ended; where one breaks, both do."""
    client.is_tunnel = server.is_tunnel = True
    try:
        async with asyncio.TaskGroup() as directions:
            directions.create_task(_carry(client, server, visited))
            directions.create_task(_carry(server, client, visited))
    except* Broken:
        client.abort()


async def _carry(source: Wire, sink: Wire, visited: Visited) -> None:
    while data := await source.some():
        visited.has_flow = True
        await sink.send(data)
    if source.is_broken:
        raise Broken
    sink.end()
