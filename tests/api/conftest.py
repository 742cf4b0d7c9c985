"""A whole Cove as a process of its own, and clients of it.

`COVE_TEST_DRIVER=real` (the default, for root) makes true sandboxes; `simulated` takes `cove.testing`'s.
"""

import contextlib
import inspect
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.environment import clean_environment

import cove

START_SECONDS = 60
REAL = "import sys; from cove.cli import main; sys.argv[0] = 'cove'; sys.exit(main())"
SIMULATED = """
import msgspec, pathlib, sys
from cove.app.local import serve
from cove.app.settings import settings_from
from cove.testing import SimulatedDriver
tell = lambda started: print(msgspec.json.encode(started).decode(), flush=True)
data = pathlib.Path(sys.argv[-1])
serve(settings_from({"port": 0, "data": data}), driver=SimulatedDriver(data / "simulated"), on_started=tell)
"""


class Door(msgspec.Struct, frozen=True):
    """A way into the server: the socket needs no key."""

    endpoint: str
    api_key: str


def is_real() -> bool:
    wanted = os.environ.get("COVE_TEST_DRIVER", "real")
    return wanted == "real" and os.geteuid() == 0


def first_line(process: subprocess.Popen[str], log: Path) -> dict[str, Any]:
    """What the server says when it serves; fails with its log if it says nothing in time."""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(START_SECONDS) else ""
    if not line:
        process.kill()
        pytest.fail(f"`cove up` did not start:\n{log.read_text()[-4000:]}")
    found: dict[str, Any] = json.loads(line)
    return found


@pytest.fixture(scope="session")
def doors() -> Iterator[dict[str, Door]]:
    """One server for the whole run. Its sessions are deleted at the end, for they would outlive it."""
    data = Path(tempfile.mkdtemp(prefix="cove-api-", dir="/tmp"))
    log = data / "stderr"
    code, arguments = (REAL, ["up", "--json", "--port", "0", "--data"]) if is_real() else (SIMULATED, [])
    environ = clean_environment()
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments, str(data)],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=environ,
        )
    try:
        said = first_line(process, log)
        yield {"unix": Door(said["socket"], ""), "tcp": Door(said["url"], said["first_key"])}
        delete_all(cove.AgentBay(endpoint=said["socket"]))
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()
        shutil.rmtree(data, ignore_errors=True)


def delete_all(agent_bay: cove.AgentBay) -> None:
    while entries := agent_bay.list(limit=100).unwrap():
        for entry in entries:
            cove.Session(agent_bay, entry["sessionId"]).delete().unwrap()


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
