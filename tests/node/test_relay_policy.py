"""The allow list: what it opens, and all the spellings by which one might get around it."""

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cove.core.errors import InvalidNetwork
from cove.core.network import NetworkPolicy, canonical_name
from cove.node.relay.policy import Policy, parse_address

addresses = st.ip_addresses(v=4) | st.ip_addresses(v=6)
labels = st.from_regex(r"[a-z][a-z0-9-]{0,8}[a-z0-9]", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=4).map(".".join)


def named(entries: tuple[str, ...]) -> Policy:
    """A session that may reach what the operator grants, and nothing else."""
    return Policy(NetworkPolicy(mode="rules", allow=entries), entries)


def dials(policy: Policy, address: str, port: int = 443, *, is_own: bool = False) -> bool:
    return policy.allows_address(parse_address(address), port, is_own=is_own)


@given(name=st.text(), port=st.integers(0, 70000))
def test_empty_list_opens_no_name(name: str, port: int) -> None:
    assert not named(()).allows_name(name, port)


@given(address=addresses, port=st.integers(0, 65535), is_own=st.booleans())
def test_empty_list_opens_no_address(address: ipaddress.IPv4Address, port: int, is_own: bool) -> None:
    assert not named(()).allows_address(address, port, is_own=is_own)


@given(entry=st.text())
def test_any_text_is_an_entry_or_invalid(entry: str) -> None:
    with suppress(InvalidNetwork):
        named((entry,))


@given(name=names)
def test_case_and_a_final_dot_change_nothing(name: str) -> None:
    policy = named((name,))
    assert policy.allows_name(canonical_name(name.upper() + ".") or "", 443)
    assert policy.allows_name(canonical_name(name) or "", 80)


@given(name=names, child=labels)
def test_wildcard_opens_what_is_below_and_not_the_domain_itself(name: str, child: str) -> None:
    policy = named((f"*.{name}",))
    assert policy.allows_name(f"{child}.{name}", 443)
    assert policy.allows_name(f"deep.{child}.{name}", 443)
    assert not policy.allows_name(name, 443)
    assert not policy.allows_name(f"{child}{name}", 443)
    assert not policy.allows_name(f"{name}.{child}-other", 443)


@given(name=names, other=names)
def test_name_opens_no_other_name(name: str, other: str) -> None:
    assert named((name,)).allows_name(other, 443) == (name == other)


@pytest.mark.parametrize(
    "entry",
    [
        *(
            "",
            "*",
            "*.",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a b",
            "a\0.test",
            "a.test\0",
            "a\n",
            "http://a.test",
            "a.test/",
            "a/b",
        ),
        *(
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "1.2.3.4.5",
            "1.2.3.04",
            "256.1.1.1",
            "0x7f.0.0.1",
            "1.2.3.4.",
        ),
        *("0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "ff02::1", "::ffff:0.0.0.0", "fe80::1%eth0", "10.0.0.1/8"),
        *(
            "a.test:0",
            "a.test:65536",
            "a.test:x",
            "a.test:",
            "[::1",
            "*.*.test",
            "*a.test",
            "a.*.test",
            "a" * 64,
            "a." * 128,
        ),
    ],
)
def test_what_is_no_host_is_no_entry(entry: str) -> None:
    with pytest.raises(InvalidNetwork):
        named((entry,))


@pytest.mark.parametrize("name", ["2130706433", "0x7f000001", "127.1", "017700000001", "1.2.3.4", "1.2.3.4.", "0x7f.1"])
def test_number_spelled_as_a_name_is_no_name(name: str) -> None:
    assert canonical_name(name) is None


def test_unicode_name_is_its_ascii_form() -> None:
    policy = named(("BÜCHER.test",))
    assert policy.allows_name("xn--bcher-kva.test", 443)
    assert policy.allows_name(canonical_name("Bücher.test.") or "", 443)


def test_ports_are_80_and_443_unless_one_is_named() -> None:
    policy = named(("a.test", "b.test:8080", "192.0.2.1", "192.0.2.2:22", "[2001:db8::1]:22"))
    assert [policy.allows_name("a.test", port) for port in (80, 443, 22, 8080)] == [True, True, False, False]
    assert [policy.allows_name("b.test", port) for port in (80, 443, 8080)] == [False, False, True]
    assert [dials(policy, "192.0.2.1", port) for port in (80, 22)] == [True, False]
    assert [dials(policy, "192.0.2.2", port) for port in (80, 22)] == [False, True]
    assert dials(policy, "2001:db8::1", 22)


@pytest.mark.parametrize("literal", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "100.100.100.200"])
def test_close_addresses_are_opened_by_their_literal_and_by_no_block(literal: str) -> None:
    everything = named(("0.0.0.0/0", "::/0"))
    assert not dials(everything, literal)
    assert dials(named((literal,)), literal)


def test_own_addresses_are_opened_by_their_literal_and_by_no_block() -> None:
    assert not dials(named(("198.51.100.0/24",)), "198.51.100.7", is_own=True)
    assert dials(named(("198.51.100.0/24",)), "198.51.100.7")
    assert dials(named(("198.51.100.7",)), "198.51.100.7", is_own=True)


@pytest.mark.parametrize("wrapped", ["::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::ffff:169.254.169.254"])
def test_wrapped_address_is_judged_by_what_is_inside(wrapped: str) -> None:
    policy = named(("::/0", "0.0.0.0/0", "a.test"))
    assert not dials(policy, wrapped)
    assert not policy.allows_result("a.test", ipaddress.ip_address(wrapped), 443, is_own=False)
    assert dials(named(("::ffff:192.0.2.1",)), "192.0.2.1")


@given(address=addresses)
def test_name_leads_to_no_address_of_this_machine(address: ipaddress.IPv4Address) -> None:
    assert not named(("a.test", "*.test")).allows_result("a.test", address, 443, is_own=True)


def test_name_spelled_out_may_lead_to_a_private_network_and_a_wildcards_may_not() -> None:
    policy, private = named(("mirror.test", "*.test")), ipaddress.ip_address("10.1.2.3")
    assert policy.allows_result("mirror.test", private, 443, is_own=False)
    assert not policy.allows_result("other.test", private, 443, is_own=False)
    assert policy.allows_result("other.test", ipaddress.ip_address("8.8.8.8"), 443, is_own=False)
    for close in ("127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1"):
        assert not policy.allows_result("mirror.test", ipaddress.ip_address(close), 443, is_own=False)
