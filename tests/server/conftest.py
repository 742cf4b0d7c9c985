"""A Cove per test, and a client of its HTTP API."""

from collections.abc import Iterator

import httpx2
import pytest

from cove.testing import Cove


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def http(cove: Cove) -> Iterator[httpx2.Client]:
    transport = httpx2.HTTPTransport(uds=str(cove.socket))
    headers = {"Authorization": f"Bearer {cove.api_key}"}
    with httpx2.Client(transport=transport, base_url="http://cove", headers=headers, timeout=30) as client:
        yield client


@pytest.fixture
def session(http: httpx2.Client) -> str:
    """The id of a running session."""
    return http.post("/v1/sessions", json={}).raise_for_status().json()["session_id"]
