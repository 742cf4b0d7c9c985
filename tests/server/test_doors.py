"""Who is told where a session's own doors are: its tenant, where the client can reach them."""

import socket
from contextlib import ExitStack
from typing import Any

import pytest
from tests.asking import at_socket
from tests.waiting import until

from cove.core.link import LinkPlace
from cove.server.http.dialects import is_near
from cove.testing import Cove, running_cove

HERE = LinkPlace(port=7718)


def _made(cove: Cove, key: str = "") -> dict[str, Any]:
    with at_socket(cove.socket, timeout=60) as client:
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


MIB = 1024 * 1024


def _listing(cove: Cove, padding: int) -> int:
    """The status of a request of so many bytes."""
    with at_socket(cove.socket, timeout=60) as client:
        form = {"Authorization": f"Bearer {cove.api_key}", "Padding": "x" * padding}
        return client.post("/?Action=ListSession", data=form).status_code


def _half(cove: Cove, size: int) -> socket.socket:
    """A stranger who sends so much of a request, and then nothing."""
    stranger = socket.socket(socket.AF_UNIX)
    stranger.settimeout(60)
    stranger.connect(str(cove.socket))
    head = f"POST /?Action=ListSession HTTP/1.1\r\nHost: cove\r\nContent-Length: {size + 1}\r\n\r\n"
    stranger.sendall(head.encode() + b"x" * size)
    return stranger


def test_halves_of_large_requests_take_bounded_memory_and_keep_no_small_one_out() -> None:
    with running_cove(most_body_bytes=4 * MIB) as cove:
        assert _listing(cove, 3 * MIB) == 200
        with ExitStack() as strangers:
            for _ in range(4):
                strangers.enter_context(_half(cove, MIB))
            until(lambda: _listing(cove, 3 * MIB) == 503, "a large request too many was refused")
            assert _listing(cove, 100_000) == 200
        until(lambda: _listing(cove, 3 * MIB) == 200, "there was room again")
