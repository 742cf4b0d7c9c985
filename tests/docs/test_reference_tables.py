"""The reference has every route that the server serves, and says of each method what the tests of the client say."""

import re

import pytest
from tests.asking import at_socket
from tests.sdk.test_failures import RAISES, RETURNS

from cove.testing import running_cove

from .blocks import ROOT

REFERENCE = ROOT / "docs" / "reference"
FAILURES = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|$", (REFERENCE / "failures.md").read_text(), re.MULTILINE))


def test_every_route_and_message_of_a_running_server_stands_in_the_reference() -> None:
    text = (REFERENCE / "http.md").read_text()
    with running_cove() as cove, at_socket(cove.socket) as client:
        document = client.get("/v1/openapi.json").json()
    routes = [f"### `{method.upper()} {path}`" for path, item in document["paths"].items() for method in item]
    messages = [f"### {name}\n" for name in document["components"]["schemas"]]
    assert [wanted for wanted in routes + messages if wanted not in text] == []
    assert len(routes) > 15


@pytest.mark.parametrize("name", RAISES)
def test_method_that_raises_is_said_to_raise(name: str) -> None:
    if name != "get_link_async":  # another name of `get_link`
        assert FAILURES[name] == "raises `SessionError`"


@pytest.mark.parametrize("name", RETURNS)
def test_method_that_returns_a_refusal_is_said_to_return_it(name: str) -> None:
    method = re.sub(r"^.*\.| .*$", "", name)
    if method not in ("beta_pause", "beta_resume"):  # other names of `pause` and `resume`
        assert FAILURES[method] == "`success=False`"
