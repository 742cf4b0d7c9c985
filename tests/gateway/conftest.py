"""A gateway for each test."""

from collections.abc import AsyncIterator

import pytest
from tests.gateway.world import World, running_world


def pytest_configure(config: pytest.Config) -> None:
    """The mark that ties a test to the claims it attacks."""
    config.addinivalue_line("markers", "claim(id): attacks that claim of SECURITY.md; see tests/isolation/claims.py")


@pytest.fixture(scope="module")
async def shared(anyio_backend: str) -> AsyncIterator[World]:
    async with running_world() as world:
        yield world


@pytest.fixture
async def world(shared: World) -> AsyncIterator[World]:
    """A gateway that a module's tests share, as if it were new."""
    yield shared
    await shared.clear()


@pytest.fixture
async def fresh(anyio_backend: str) -> AsyncIterator[World]:
    """A gateway of a test's own."""
    async with running_world() as world:
        yield world
