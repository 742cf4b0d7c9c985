"""No route shows one tenant anything of another's: asked of every route there is."""

from collections.abc import Callable
from typing import Any

import httpx2
from tests.asking import at_socket

from cove.testing import running_cove

Client = Callable[[str], httpx2.Client]
BODIES: dict[str, Any] = {
    "PUT labels": {"labels": {"a": "b"}},
    "PUT network": {"network": "none"},
    "POST links": {"port": 30100},
    "POST {tool}": {"arguments": {"command": "true"}},
}
"""What a request must say to be understood, by its method and the end of its path."""


def _routes() -> list[tuple[str, str]]:
    """Every operation on a session, by method and path."""
    with running_cove() as cove, at_socket(cove.socket) as client:
        paths = client.get("/v1/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, found in paths.items() for method in found if "{session_id}" in path]


def test_session_of_another_tenant_does_not_exist_on_any_route(
    http: httpx2.Client, tenant: httpx2.Client, session: str
) -> None:
    before = http.get(f"/v1/sessions/{session}").json()
    for method, path in _routes():
        end = path.rsplit("/", 1)[-1]
        place = path.replace("{session_id}", session).replace("{tool}", "shell").replace("{", "").replace("}", "")
        answer = tenant.request(method, place, json=BODIES.get(f"{method} {end}"))
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "SessionNotFound"), (method, path)
    assert http.get(f"/v1/sessions/{session}").json() == before
