"""A real Cove, every official client in a process of its own, and a tenant of its own for each test that wants one."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.asking import PLAIN
from tests.contract.clients import Client
from tests.contract.far import Process
from tests.serving import IS_REAL, Server

from cove import AgentBay, SessionNotFound
from cove.app.local import Started

HERE = Path(__file__).parent
SECONDS = 2400
"""For a test that is the first to want a client, or all that it does: on a new machine it installs it, too."""
API_MODE_IMAGE = "code_latest"
"""The image whose sessions tell no LinkUrl, so that their tools are called through the API."""


class Place:
    """A Cove, and the processes of clients that use it."""

    def __init__(self, server: Server, started: Started) -> None:
        self.server, self.url = server, started.url
        self._operator = started.first_key or ""
        self._processes: dict[Client, Process] = {}

    def process(self, client: Client) -> Process:
        """The client's; started when it is first wanted."""
        if client not in self._processes:
            self._processes[client] = Process(client, **{client.endpoint_variable: self.url})
        return self._processes[client]

    def make_key(self) -> str:
        """The key of a new tenant."""
        headers = {"Authorization": f"Bearer {self._operator}"}
        wish = {"tenant": secrets.token_hex(4)}
        made = httpx2.post(f"{self.url}/v1/keys", json=wish, headers=headers, trust_env=False, verify=PLAIN, timeout=30)
        return str(made.raise_for_status().json()["secret"])

    def begin(self, client: Client, key: str) -> Any:
        """What a script begins with: the entry class, which finds endpoint and key in the environment."""
        process = self.process(client)
        process.find("os:environ.update")({client.key_variable: key})
        return process.find(client.entry)()

    def view(self, key: str, session_id: str) -> dict[str, Any]:
        """A session as the native door shows it to its owner."""
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{self.url}/v1/sessions/{session_id}"
        told = httpx2.get(url, headers=headers, trust_env=False, verify=PLAIN, timeout=30)
        return dict(told.raise_for_status().json())

    def end_sessions(self, key: str) -> None:
        """Delete all that the key's tenant has, past the client under test."""
        with AgentBay(key, endpoint=self.url) as bay:
            for entry in bay.list(limit=100).unwrap():
                with suppress(SessionNotFound):  # it may end by itself
                    bay.get(entry["sessionId"]).unwrap().delete().unwrap()

    def close(self) -> None:
        """End every client."""
        for process in self._processes.values():
            process.close()


@contextmanager
def serving(*options: str, **environ: str) -> Iterator[Place]:
    """A Cove of its own, for a test that needs other settings."""
    server = Server("contract", COVE_API_MODE=API_MODE_IMAGE, **environ)
    try:
        place = Place(server, server.up(*options) if IS_REAL else server.up_simulated())
        try:
            yield place
        finally:
            place.close()
    finally:
        server.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests their time; whatever waits in them is bounded by less."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="package")
def place() -> Iterator[Place]:
    """One Cove for all of these tests in this process."""
    with serving() as place:
        yield place


@pytest.fixture(scope="module")
def client(request: pytest.FixtureRequest) -> Client:
    """Which client it is; tests say which ones they want by `parametrize(..., indirect=True)`."""
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def process(place: Place, client: Client) -> Process:
    """The client's own process."""
    return place.process(client)


@pytest.fixture
def key(place: Place) -> Iterator[str]:
    """Of a tenant that is this test's alone; its sessions end with the test."""
    key = place.make_key()
    yield key
    place.end_sessions(key)


@pytest.fixture
def start(place: Place, client: Client) -> Callable[[str], Any]:
    """Begin a script of this client with a key."""
    return lambda key: place.begin(client, key)


@pytest.fixture
def cloud(start: Callable[[str], Any], key: str) -> Any:
    """What a script begins with, for this test's own tenant: an `AgentBay` or an `AGB`."""
    return start(key)


@pytest.fixture
def wish(process: Process, client: Client) -> Callable[..., Any]:
    """How a session is wished for, in the client's own class."""
    return process.find(client.params)  # type: ignore[no-any-return]


@pytest.fixture
def make(cloud: Any, wish: Callable[..., Any]) -> Callable[..., Any]:
    """Make a session with these wishes."""

    def make(**wishes: Any) -> Any:
        made = cloud.create(wish(**wishes))
        assert made.success, made
        return made.session

    return make


@pytest.fixture(scope="module")
def route(request: pytest.FixtureRequest) -> str:
    """How tools are called: `link`, `api` or `vpc`."""
    return str(request.param)


ROUTES: dict[str, dict[str, Any]] = {"link": {}, "api": {"image_id": API_MODE_IMAGE}, "vpc": {"is_vpc": True}}
"""Which wish leads to which route."""


@pytest.fixture(scope="module")
def session(place: Place, client: Client, route: str) -> Iterator[Any]:
    """A session for all tests of a module with this client, by this route: each keeps to names of its own in it."""
    key = place.make_key()
    process = place.process(client)
    made = place.begin(client, key).create(process.find(client.params)(**ROUTES[route]))
    assert made.success, made
    yield made.session
    place.end_sessions(key)


@pytest.fixture
def directory(session: Any, process: Process) -> str:
    """A new directory of the session, with nothing in it."""
    path = f"/tmp/{secrets.token_hex(4)}"
    assert session.file_system.create_directory(path).success
    return path
