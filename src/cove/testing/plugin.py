"""The pytest plugin: a `cove` fixture, to which `AgentBay()` connects without arguments."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cove.testing.cove import Cove


@pytest.fixture
def cove(monkeypatch: pytest.MonkeyPatch) -> Iterator["Cove"]:
    """A Cove of this test's own, with simulated sandboxes; COVE_ENDPOINT and COVE_API_KEY point to it."""
    from cove.testing.cove import running_cove

    with running_cove() as running:
        monkeypatch.setenv("COVE_ENDPOINT", running.endpoint)
        monkeypatch.setenv("COVE_API_KEY", running.api_key)
        yield running
