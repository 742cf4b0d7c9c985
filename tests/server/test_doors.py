"""Who is told where a session's own doors are: its tenant, where the client can reach them."""

from typing import Any

import httpx2
import pytest

from cove.core.link import LinkPlace
from cove.server.http.dialects import is_near
from cove.testing import Cove, running_cove

HERE = LinkPlace(port=7718)


def _made(cove: Cove, key: str = "") -> dict[str, Any]:
    transport = httpx2.HTTPTransport(uds=str(cove.socket))
    with httpx2.Client(transport=transport, base_url="http://cove", timeout=30) as client:
        form = {"Authorization": f"Bearer {key or cove.api_key}", "VpcResource": "true"}
        data = client.post("/?Action=CreateMcpSession", data=form).raise_for_status().json()["Data"]
    return dict(data)


@pytest.mark.parametrize("public_url", ["", "http://127.0.0.1:7717", "http://[::1]:7717", "http://localhost:7717/x"])
def test_client_of_this_machine_is_told_the_sessions_doors(public_url: str) -> None:
    with running_cove(links=HERE, public_url=public_url) as cove:
        data = _made(cove)
    assert data["Token"]
    assert data["NetworkInterfaceIp"].startswith("127.")
    assert (data["HttpPort"], data["VpcResource"]) == ("7718", True)


@pytest.mark.parametrize("settings", [{"links": None}, {"links": HERE, "public_url": "https://cove.example.org"}])
def test_client_that_cannot_reach_the_gateway_is_not_told_where_it_is(settings: dict[str, Any]) -> None:
    with running_cove(**settings) as cove:
        data = _made(cove)
    assert [data[name] for name in ("NetworkInterfaceIp", "HttpPort")] == [""] * 2
    assert data["VpcResource"] is False


@pytest.mark.parametrize(
    ("client", "near"),
    [
        (("uid:1000", 0), True),
        (("127.0.0.1", 5), True),
        (("::1", 5), True),
        (("::ffff:127.0.0.1", 5), True),
        (("10.0.0.9", 5), False),
        (("2001:db8::1", 5), False),
    ],
)
def test_client_is_near_by_its_socket_or_address(client: tuple[str, int], near: bool) -> None:
    scope: Any = {"type": "http", "client": client}
    assert is_near(scope) is near
