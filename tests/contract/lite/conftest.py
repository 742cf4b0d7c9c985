"""A Cove that speaks TLS, which this client trusts by the variable that `cove up --tls` prints."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from tests.asking import at_socket
from tests.contract.clients import Client
from tests.contract.far import Process
from tests.serving import IS_REAL, Server

from cove import AgentBay
from cove.app.local import Started


class SecurePlace:
    """The Cove, the processes of the client, and the native client beside them, which makes the sessions."""

    def __init__(self, server: Server, started: Started) -> None:
        self.server, self.started = server, started
        self._processes: dict[Client, Process] = {}

    def process(self, client: Client) -> Process:
        """The client's; it puts https:// before its endpoint itself."""
        if client not in self._processes:
            assert self.started.trust is not None
            known = {client.endpoint_variable: self.started.url.removeprefix("https://")}
            self._processes[client] = Process(client, **known, SSL_CERT_FILE=self.started.trust.bundle)
        return self._processes[client]

    def make_key(self) -> str:
        """The key of a new tenant, made at the local door."""
        with at_socket(self.server.socket) as door:
            made = door.post("/v1/keys", json={"tenant": secrets.token_hex(4)}, timeout=30)
        return str(made.raise_for_status().json()["secret"])

    def native(self, key: str) -> AgentBay:
        """Cove's own client for the same tenant."""
        return AgentBay(key, endpoint=f"unix://{self.server.socket}")

    def close(self) -> None:
        for process in self._processes.values():
            process.close()
        self.server.close()


@pytest.fixture(scope="module")
def place() -> Iterator[SecurePlace]:
    server = Server("lite", COVE_TLS="1")
    place = SecurePlace(server, server.up() if IS_REAL else server.up_simulated())
    yield place
    place.close()


@pytest.fixture
def cloud(place: SecurePlace, client: Client, key: str) -> Any:
    """What a script begins with: an `AgentBayCloud`."""
    return place.process(client).find(client.entry)(key)


@pytest.fixture
def key(place: SecurePlace) -> str:
    """Of a tenant that is this test's alone."""
    return place.make_key()


@pytest.fixture
def native(place: SecurePlace, key: str) -> Iterator[AgentBay]:
    """Makes the sessions, since this client's own want a browser."""
    with place.native(key) as bay:
        yield bay
        while found := bay.list(limit=100).unwrap():
            for entry in found:
                bay.get(entry["sessionId"]).unwrap().delete().unwrap()
