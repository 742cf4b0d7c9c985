"""A Cove per test, and a client of its HTTP API."""

from collections.abc import Callable, Iterator

import httpx2
import pytest
from tests.asking import at_socket

from cove.testing import Cove


def client_of(cove: Cove, key: str = "") -> httpx2.Client:
    """A client with this key, or an operator's."""
    return at_socket(cove.socket, headers={"Authorization": f"Bearer {key or cove.api_key}"}, timeout=60)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def http(cove: Cove) -> Iterator[httpx2.Client]:
    with client_of(cove) as client:
        yield client


@pytest.fixture
def tenant(http: httpx2.Client, cove: Cove) -> Iterator[httpx2.Client]:
    """A client of the tenant `blue`."""
    secret = http.post("/v1/keys", json={"tenant": "blue"}).json()["secret"]
    with client_of(cove, secret) as client:
        yield client


@pytest.fixture
def connect() -> Callable[[Cove], httpx2.Client]:
    """Makes an operator's client of any Cove."""
    return client_of


@pytest.fixture
def session(http: httpx2.Client) -> str:
    """The id of a running session."""
    return http.post("/v1/sessions", json={}).raise_for_status().json()["session_id"]
