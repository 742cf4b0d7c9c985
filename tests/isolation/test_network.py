"""A session reaches nothing outside of itself: no address of this host, of its network, or of its cloud."""

from collections.abc import Callable, Iterator

import pytest
from tests.greeting import own_address

from .conftest import Loot
from .running import Inside, Running

pytestmark = [pytest.mark.isolation, pytest.mark.claim("network")]
ELSEWHERE = {
    "metadata": "169.254.169.254", "a private network": "10.0.0.1", "another one": "192.168.0.1",
    "documentation": "203.0.113.1", "metadata, IPv6": "fd00:ec2::254", "documentation, IPv6": "2001:db8::1",
    "mapped loopback": "::ffff:127.0.0.1", "the unspecified address": "0.0.0.0",
}  # fmt: skip
each_address = pytest.mark.parametrize("name", ELSEWHERE)


@pytest.fixture(scope="module")
def relayed(serve: Callable[..., Running]) -> Iterator[Inside]:
    """A session that may reach one name, which there is not, and has therefore a relay."""
    with serve(allow="allowed.invalid") as running, running.session() as inside:
        yield inside


@each_address
def test_address_is_out_of_reach(name: str, walled: Inside, loot: Loot) -> None:
    assert not walled.attack("views.talk_tcp", ELSEWHERE[name], str(loot.port), user="root").breached


@each_address
def test_address_is_out_of_reach_through_the_relay(name: str, relayed: Inside, loot: Loot) -> None:
    assert not relayed.attack("views.talk_tcp", ELSEWHERE[name], str(loot.port), user="root").breached


@pytest.mark.parametrize("address", ["127.0.0.1", own_address()])
def test_host_is_out_of_reach_through_the_relay(address: str, relayed: Inside, cove: Running) -> None:
    port = str(cove.port)
    assert not relayed.attack("views.talk_tcp", address, port, user="root").breached


def test_names_that_were_not_allowed_have_no_address(relayed: Inside) -> None:
    told = relayed.try_to_run("getent ahosts example.com || echo none")
    assert told.stdout == "none\n"


def test_a_session_reaches_itself(walled: Inside) -> None:
    """The contrast: that the probe works."""
    walled.attack("makes.serve", "7100")
    assert walled.attack("views.talk_tcp", "127.0.0.1", "7100").breached
