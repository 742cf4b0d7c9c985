"""The tests of tests/isolation/test_network.py, on a Cove of an ordinary user's."""

from collections.abc import Iterator

import pytest
from tests.isolation.conftest import Loot
from tests.isolation.running import Inside
from tests.isolation.test_network import *  # noqa: F403 - all of them, but for the fixture below

from .ordinary import OrdinaryUser
from .serving import OrdinaryRunning


@pytest.fixture(scope="module")
def relayed(ordinary: OrdinaryUser, loot: Loot) -> Iterator[Inside]:
    """A session that may reach one name, which there is not."""
    running = OrdinaryRunning(ordinary, token=loot.token, allow="allowed.invalid")
    with running.session() as inside:
        yield inside
    running.close()
