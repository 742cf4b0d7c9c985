"""A gateway for each test."""

from collections.abc import AsyncIterator

import pytest
from tests.gateway.world import World, running_world


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def world(anyio_backend: str) -> AsyncIterator[World]:
    async with running_world() as world:
        yield world
