"""A Cove with a public address, and a way to call tools at a session's own."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from cove.testing import Cove, running_cove

PUBLIC = "http://cove"
Make = Callable[..., dict[str, Any]]
Call = Callable[..., dict[str, Any]]


def pytest_configure(config: pytest.Config) -> None:
    """The mark that ties a test to the claims it attacks."""
    config.addinivalue_line("markers", "claim(id): attacks that claim of SECURITY.md; see tests/isolation/claims.py")


@pytest.fixture(scope="module")
def cove() -> Iterator[Cove]:
    with running_cove(public_url=PUBLIC) as running:
        yield running


@pytest.fixture
def make(wire: httpx2.Client, key: str) -> Make:
    """Makes a session as AgentBay's client does; gives what that is told of it."""

    def make_one(**form: str) -> dict[str, Any]:
        data = {"Authorization": f"Bearer {key}", **form}
        answer = wire.post("/", params={"Action": "CreateMcpSession"}, data=data)
        return dict(answer.raise_for_status().json()["Data"])

    return make_one


@pytest.fixture
def session(make: Make) -> dict[str, Any]:
    """A running session."""
    return make()


class Idler:
    """A session that idleness pauses after ten minutes, and that ends in weeks; `told` is for AGB's client."""

    def __init__(self, wire: httpx2.Client, key: str) -> None:
        self._wire, self._shown = wire, {"Authorization": f"Bearer {key}"}
        wish = {"idle_timeout": 600, "max_lifetime": 2e6}
        made = wire.post("/v1/sessions", json=wish, headers=self._shown).raise_for_status().json()
        self._path = f"/v1/sessions/{made['session_id']}"
        asked = {"sessionId": made["session_id"]}
        self.told = wire.post("/mcp/getSession", json=asked, headers=self._shown).json()["data"]

    def state(self) -> str:
        return str(self._wire.get(self._path, headers=self._shown).json()["state"])

    def move(self, move: str) -> None:
        """Pause or resume it, as somebody does by hand."""
        self._wire.post(f"{self._path}/{move}", headers=self._shown).raise_for_status()


@pytest.fixture
def idler(wire: httpx2.Client, key: str) -> Idler:
    return Idler(wire, key)


@pytest.fixture
def call(wire: httpx2.Client, session: dict[str, Any]) -> Call:
    """Calls a tool over the session's LinkUrl as the official clients do; gives the body, and `status`."""

    def post(tool: str = "shell", *, token: str = "", link_url: str = "", **arguments: Any) -> dict[str, Any]:
        token = token or session["Token"]
        body = {
            "args": arguments,
            "server": "wuying_shell",
            "requestId": "link-1795225753517-972998082",
            "tool": tool,
            "token": token,
        }
        answer = wire.post(f"{link_url or session['LinkUrl']}/callTool", json=body, headers={"X-Access-Token": token})
        return {"status": answer.status_code, **answer.json()}

    return post


def text_of(answer: dict[str, Any]) -> Any:
    """What the official clients show of an answer: the first block's text, read as JSON where it is some."""
    (block,) = answer["data"]["result"]["content"]
    try:
        return json.loads(block["text"])
    except ValueError:
        return block["text"]
