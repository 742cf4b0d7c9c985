"""Routes that anybody may ask: is it alive, and what is it."""

import os

from litestar import get
from litestar.di import NamedDependency

from cove.core.api import Capabilities, Health
from cove.core.ports import Driver
from cove.core.version import __version__
from cove.server.http.views import View
from cove.server.network import Networks
from cove.server.presence import Presence


@get("/healthz")
async def health(presence: NamedDependency[Presence], view: NamedDependency[View]) -> Health:
    """Answers as long as the server serves."""
    return Health(
        status="ok",
        version=__version__,
        pid=os.getpid(),
        url=view.public_url,
        is_background=presence.is_background,
        is_busy=presence.in_flight > 0,
    )


@get("/capabilities")
async def capabilities(driver: NamedDependency[Driver], networks: NamedDependency[Networks]) -> Capabilities:
    """What this server is, and what its isolation truly gives on this machine."""
    return Capabilities(version=__version__, api="v1", isolation=driver.isolation(), network=networks.default_mode())
