"""Where rules name what is reached: names that only look allowed, forged resolution, foreign TLS names, ports."""

from collections.abc import Callable

import pytest
from tests.egress.attack import Inside
from tests.egress.internet import (
    ANOTHER,
    PUBLIC,
    Internet,
)

pytestmark = [pytest.mark.isolation, pytest.mark.claim("network-rules")]


@pytest.mark.parametrize(
    "name",
    [
        "evil.test", "evil.test%00.allowed.test", "allowed.test%00.evil.test", "allowed%00.test", "x.allowed.test",
        r"allowed\.test", r"evil\.test.allowed.test", "allowed.test ", "%D0%B0llowed.test", "xn--llowed-2nf.test",
        "evil.test#allowed.test", "evil.test@allowed.test", "1572395042", "0x5db8d822",
    ],
)  # fmt: skip
def test_name_that_only_looks_allowed_has_no_address(
    net: Internet, inside: Callable[..., Inside], open_one: Inside, name: str
) -> None:
    """NULs, dots inside labels, look-alikes of other scripts, numbers. The control is the list of names."""
    ruled = inside(mode="rules", allow=["allowed.test"])
    assert ruled.try_out("dns", "127.0.0.1", 53, "A:allowed.test") == "code 0, 1 answers"
    net.asked()
    assert not ruled.try_out("dns", "127.0.0.1", 53, f"A:{name}").startswith("code 0")
    assert net.asked() == [], "the world was asked"
    assert open_one.try_out("tcp", "evil.test", 80).startswith("hello from ")


@pytest.mark.parametrize(
    "spelling", ["ALLOWED.TEST", "Allowed.test.", "\uff41\uff4c\uff4c\uff4f\uff57\uff45\uff44.test"]
)
def test_other_spellings_of_an_allowed_name_are_that_name(inside: Callable[..., Inside], spelling: str) -> None:
    assert inside(mode="rules", allow=["allowed.test"]).try_out("tcp", spelling, 80) == f"hello from {PUBLIC} 80"


def test_name_that_leads_elsewhere_the_next_time_is_pinned_to_where_it_led(net: Internet, open_one: Inside) -> None:
    """Rebinding. The control is that what was judged is what is dialled; a resolver alone would have been led."""
    net.name(rebinding_test=[[PUBLIC], ["169.254.169.254"], ["10.0.0.1"]])
    assert open_one.try_out("often", "rebinding.test", 80) == f"hello from {PUBLIC} 80"
    net.asked()
    turned = net.on_machine("getent", "ahostsv4", "rebinding.test")
    assert turned.split()[0] in {"169.254.169.254", "10.0.0.1"}


def test_port_that_no_rule_names_is_closed(inside: Callable[..., Inside], open_one: Inside) -> None:
    ruled = inside(mode="rules", allow=["allowed.test:8080", f"{ANOTHER}:7000-9000"])
    tries = {port: ruled.try_out("tcp", "allowed.test", port)[:5] for port in (80, 8080)}
    assert tries == {80: "nothi", 8080: "hello"}
    tries = {port: ruled.try_out("tcp", ANOTHER, port)[:5] for port in (80, 7000, 9000, 9001)}
    assert tries == {80: "nothi", 7000: "hello", 9000: "hello", 9001: "nothi"}
    assert open_one.try_out("tcp", "allowed.test", 80).startswith("hello")


@pytest.mark.parametrize("port", [443, 8080])
def test_tls_hello_for_another_host_is_cut_off(inside: Callable[..., Inside], open_one: Inside, port: int) -> None:
    """One front serves many names. The control is the reading of hellos, which `open` has no need of."""
    ruled = inside(mode="rules", allow=[f"allowed.test:{port}"])
    assert ruled.try_out("tls", "allowed.test", port, "allowed.test").startswith("hello")
    for other in ("evil.test", "x.allowed.test", "allowed.test.evil.test"):
        assert ruled.try_out("tls", "allowed.test", port, other).startswith("nothing")
        assert open_one.try_out("tls", "allowed.test", port, other).startswith("hello")


def test_denied_name_is_not_reached_by_another_s_hello(inside: Callable[..., Inside]) -> None:
    denying = inside(mode="open", deny=["evil.test", "10.0.0.0/8"])
    assert denying.try_out("tcp", "evil.test", 80).startswith("nothing")
    assert denying.try_out("tls", "allowed.test", 443, "allowed.test").startswith("hello")
    assert denying.try_out("tls", "allowed.test", 443, "evil.test").startswith("nothing")
