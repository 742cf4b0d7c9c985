"""A gateway for each test."""

from collections.abc import AsyncIterator

import pytest
from tests.gateway.world import World, running_world


def pytest_configure(config: pytest.Config) -> None:
    """The mark that ties a test to the claims it attacks."""
    config.addinivalue_line("markers", "claim(id): attacks that claim of SECURITY.md; see tests/isolation/claims.py")


@pytest.fixture
async def world(anyio_backend: str) -> AsyncIterator[World]:
    async with running_world() as world:
        yield world
