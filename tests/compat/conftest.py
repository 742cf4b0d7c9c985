"""One Cove for the tests of a dialect, and a tenant of its own for each."""

import secrets
from collections.abc import Callable, Iterator

import httpx2
import pytest
from tests.asking import at_socket

from cove.testing import Cove, running_cove


@pytest.fixture(scope="module")
def cove() -> Iterator[Cove]:
    """One Cove for all of these tests: each has a tenant of its own."""
    with running_cove() as running:
        yield running


@pytest.fixture(scope="module")
def wire(cove: Cove) -> Iterator[httpx2.Client]:
    """A client that shows no key by itself."""
    with at_socket(cove.socket, timeout=30) as client:
        yield client


@pytest.fixture
def make_key(wire: httpx2.Client, cove: Cove) -> Callable[[], str]:
    """Makes the key of a new tenant."""

    def make() -> str:
        operator = {"Authorization": f"Bearer {cove.api_key}"}
        made = wire.post("/v1/keys", json={"tenant": secrets.token_hex(4)}, headers=operator).raise_for_status()
        return str(made.json()["secret"])

    return make


@pytest.fixture
def key(make_key: Callable[[], str]) -> str:
    """The key of this test's tenant."""
    return make_key()
