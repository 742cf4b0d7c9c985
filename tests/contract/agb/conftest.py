"""Sessions of AGB's client: a test's own, and one that a module shares."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.contract.agb.making import IMAGE, Maker
from tests.contract.clients import Client
from tests.contract.conftest import Place

Make = Callable[..., Any]


@pytest.fixture
def maker(place: Place, client: Client, key: str, cloud: Any) -> Maker:
    """Of this test's tenant, whose sessions end with the test."""
    return Maker(place, client, key, cloud)


@pytest.fixture
def make(maker: Maker) -> Make:
    """Makes a session of this test's tenant."""
    return maker.make


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> str:
    """The image of `session`: it decides by which way its tools are called."""
    return str(getattr(request, "param", IMAGE))


@pytest.fixture(scope="module")
def session(place: Place, client: Client, image: str) -> Iterator[Any]:
    """One that all tests of a module share, of a tenant of its own."""
    key = place.make_key()
    yield Maker(place, client, key, place.begin(client, key)).make(image_id=image, **_more(client))
    place.end_sessions(key)


def _more(client: Client) -> dict[str, Any]:
    return {"idle_release_timeout": 900, "labels": {"of": "many tests"}} if client.release >= (0, 12) else {}
