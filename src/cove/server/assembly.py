"""Puts one server together: what is opened when it starts, in which order, and let go of when it stops."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from litestar import Litestar

from cove.core.ids import SessionId
from cove.core.image import Images
from cove.core.ports import Driver, Lost
from cove.core.session import EndReason
from cove.core.tool import Tool
from cove.server.activity import Activity
from cove.server.calls import Calls
from cove.server.disk import Reserve
from cove.server.http.door import Door
from cove.server.http.link_sockets import LinkSockets
from cove.server.http.routes import build_routes
from cove.server.http.views import View
from cove.server.keys import Keys
from cove.server.link_door import ServerLinkDoor
from cove.server.links import Links
from cove.server.moves import Moves
from cove.server.network import Networks
from cove.server.parts import Checkpoint, Parts, no_checkpoint
from cove.server.quotas import Quotas
from cove.server.reaper import Reaper
from cove.server.reconcile import reconcile
from cove.server.sandboxes import Sandboxes
from cove.server.service import ServerService
from cove.server.settings import ServerSettings
from cove.server.store.database import open_database
from cove.server.tasks import running_tasks
from cove.server.terminals import Terminals
from cove.server.usage import Watching
from cove.server.watches import Watches


def assemble(
    driver: Driver,
    images: Images,
    tools: tuple[Tool, ...],
    settings: ServerSettings,
    *,
    clock: Callable[[], float] = time.time,
    checkpoint: Checkpoint = no_checkpoint,
) -> Door:
    """The server as an ASGI app; its lifespan opens the store, starts the driver and reconciles the two.

    `checkpoint` is called with the name of each durable step of a move, right after it; tests end the process there.
    """
    reserve = Reserve(settings.database.with_name("reserve"), settings.reserve_bytes)

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with (
            open_database(settings.database, reserve.drop) as database,
            _stopping(driver),
            running_tasks(settings.shutdown_seconds) as tasks,
        ):
            activity = Activity(clock)
            parts = Parts(settings, database, driver, images, tools, tasks, activity, reserve, clock, checkpoint)
            async with _serving(parts, app), settings.beside(app.state.link_door):
                yield

    return Door(build_routes(lifespan, settings), settings)


@asynccontextmanager
async def _stopping(driver: Driver) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await driver.stop()


@asynccontextmanager
async def _serving(parts: Parts, app: Litestar) -> AsyncIterator[None]:
    moves, keys, links = Moves(parts), Keys(parts.database, parts.clock, parts.checkpoint), Links(parts)
    calls, sandboxes = Calls(parts, moves), Sandboxes(parts, moves)
    served = {
        "sandboxes": sandboxes,
        "watching": Watching(parts, sandboxes),
        "networks": Networks(parts),
        "calls": calls,
        "terminals": Terminals(parts, moves),
        "links": links,
        "link_door": ServerLinkDoor(parts, moves, calls, links),
        "key_chain": keys,
        "service": (service := ServerService(parts.settings, keys, sandboxes, calls, links, Watches(parts, moves))),
        "link_sockets": (link_sockets := LinkSockets(parts.database, parts.tasks)),
        "distant_service": service.for_distant(),
        "quotas": Quotas(parts.database),
        "images": parts.images,
        "driver": parts.driver,
        "view": View(parts.settings.public_url, links.own_door, parts.driver.isolation),
        "presence": parts.settings.presence,
        "reaper": Reaper(parts, moves, links),
    }
    app.state.update(served)
    await keys.ensure_first(parts.settings.api_key, parts.settings.on_first_key)
    await parts.driver.start(_on_lost(parts, moves))
    await reconcile(parts, moves)
    await link_sockets.take_up()
    async with asyncio.TaskGroup() as group:
        sweeping = group.create_task(app.state.reaper.run())
        try:
            yield
        finally:
            sweeping.cancel()


def _on_lost(parts: Parts, moves: Moves) -> Lost:
    async def lost(session_id: SessionId, reason: EndReason) -> None:
        # Not awaited: the driver may be telling us from within a call of ours that holds the session's lock.
        parts.tasks.start(moves.end(session_id, reason))

    return lost
