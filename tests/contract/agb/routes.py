"""The ways by which AGB's clients call tools."""

import pytest
from tests.contract.agb.making import IMAGE
from tests.contract.clients import AGB
from tests.contract.conftest import API_MODE_IMAGE

_FIRST, _NEWEST = AGB
_ROUTES = {
    "first": (_FIRST, IMAGE),
    "api": (_NEWEST, API_MODE_IMAGE),
    "link": (_NEWEST, IMAGE),
}


def on_each_route(*names: str) -> pytest.MarkDecorator:
    """Run a test with `session` of each client, and by each way that it has, or by those that are named."""
    wanted = {name: route for name, route in _ROUTES.items() if name in (names or _ROUTES)}
    return pytest.mark.parametrize(("client", "image"), wanted.values(), ids=wanted, indirect=True)
