"""A whole Cove as a process of its own, and clients of it.

`COVE_TEST_DRIVER=real` (the default, for root) makes true sandboxes; `simulated` takes `cove.testing`'s.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.serving import IS_REAL, Server

import cove


class Door(msgspec.Struct, frozen=True):
    """A way into the server: the socket needs no key."""

    endpoint: str
    api_key: str


@pytest.fixture(scope="session")
def doors() -> Iterator[dict[str, Door]]:
    """One server for the whole run."""
    server = Server("api")
    try:
        told = server.up() if IS_REAL else server.up_simulated()
        assert told.first_key
        yield {"unix": Door(told.socket, ""), "tcp": Door(told.url, told.first_key)}
    finally:
        server.close()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["unix", "tcp"])
def door(request: pytest.FixtureRequest, doors: dict[str, Door]) -> Door:
    return doors[request.param]


@pytest.fixture
def settled() -> Callable[[Any], Awaitable[Any]]:
    async def settle(value: Any) -> Any:
        """The value itself, or what it gives when awaited: one test for both clients."""
        return await value if inspect.isawaitable(value) else value

    return settle


@pytest.fixture
async def agent_bay(kind: str, door: Door, settled: Any) -> AsyncIterator[Any]:
    client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)(door.api_key, endpoint=door.endpoint)
    yield client
    await settled(client.close())


@pytest.fixture
async def agb(kind: str, door: Door, settled: Any) -> AsyncIterator[Any]:
    client = (cove.AGB if kind == "sync" else cove.AsyncAGB)(door.api_key, endpoint=door.endpoint)
    yield client
    await settled(client.close())


@pytest.fixture
async def session(agent_bay: Any, settled: Any) -> AsyncIterator[Any]:
    made = (await settled(agent_bay.create())).unwrap()
    yield made
    await settled(made.delete())


@pytest.fixture
async def agb_session(agb: Any, settled: Any) -> AsyncIterator[Any]:
    made = (await settled(agb.create(cove.CreateSessionParams(image_id="agb-code-space-1")))).unwrap()
    yield made
    await settled(made.delete())


@pytest.fixture
async def shared(door: Door, kind: str, settled: Any, doors: dict[str, Door]) -> AsyncIterator[Any]:
    """A session for tests that leave nothing in it; made anew by whoever finds none."""
    client = (cove.AgentBay if kind == "sync" else cove.AsyncAgentBay)(door.api_key, endpoint=door.endpoint)
    cls = cove.Session if kind == "sync" else cove.AsyncSession
    yield cls(client, shared_id(doors))
    await settled(client.close())


def shared_id(doors: dict[str, Door]) -> str:
    with cove.AgentBay(endpoint=doors["unix"].endpoint) as client:
        found = client.list(labels={"for": "reading"}, status="RUNNING").unwrap()
        if found:
            return str(found[0]["sessionId"])
        params = cove.CreateSessionParams(labels={"for": "reading"}, max_lifetime=3600, idle_release_timeout=3600)
        return client.create(params).unwrap().session_id
