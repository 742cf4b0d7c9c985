"""A way to ask a Cove as AgentBay's client does."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(wire: httpx2.Client, key: str) -> Ask:
    """Asks for an action as the official client does; gives the body, with the HTTP status in `status`."""

    def post(action: str, **form: Any) -> dict[str, Any]:
        data = {"Authorization": f"Bearer {key}", **form}
        answer = wire.post("/", params={"Action": action, "Version": "2025-05-06", "Format": "json"}, data=data)
        assert answer.headers["x-request-id"] == answer.json()["RequestId"]
        assert answer.headers["content-type"] == "application/json"
        return {"status": answer.status_code, **answer.json()}

    return post


@pytest.fixture
def session(ask: Ask) -> str:
    """The id of a running session."""
    return str(ask("CreateMcpSession")["Data"]["SessionId"])
