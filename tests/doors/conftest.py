"""A Cove in a process of its own for each file of tests, and two tenants who know nothing of each other."""

from collections.abc import Iterator

import pytest
from tests.doors.house import House


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The Cove of this file."""
    house = House()
    try:
        yield house
    finally:
        house.close()


@pytest.fixture(scope="module")
def key(house: House) -> str:
    """A tenant's key."""
    return house.new_key()


@pytest.fixture(scope="module")
def session(house: House, key: str) -> str:
    """A running session of that tenant."""
    return house.new_session(key)


@pytest.fixture(scope="module")
def stranger(house: House) -> str:
    """Another tenant's key."""
    return house.new_key()
