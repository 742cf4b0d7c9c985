"""Routes that anybody may ask: is it alive, and what is it."""

import os

from litestar import get
from litestar.di import NamedDependency

from cove.core.api import Capabilities, Health
from cove.core.ports import Driver
from cove.core.version import __version__


@get("/healthz")
async def health() -> Health:
    """Answers as long as the server serves."""
    return Health(status="ok", version=__version__, pid=os.getpid())


@get("/capabilities")
async def capabilities(driver: NamedDependency[Driver]) -> Capabilities:
    """What this server is, and what its isolation truly gives on this machine."""
    return Capabilities(version=__version__, api="v1", isolation=driver.isolation())
