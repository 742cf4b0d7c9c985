"""A gateway for each test."""

import resource
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.gateway.world import World, running_world


def pytest_configure(config: pytest.Config) -> None:
    """The mark that ties a test to the claims it attacks."""
    config.addinivalue_line("markers", "claim(id): attacks that claim of SECURITY.md; see tests/isolation/claims.py")


@pytest.fixture(scope="session", autouse=True)
def _files() -> Iterator[None]:
    """Both ends of some thousand connections are open in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 16384)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


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
