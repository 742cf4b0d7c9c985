"""The allow list: what it opens, and all the spellings by which one might get around it."""

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cove.core.errors import InvalidNetwork
from cove.core.network import NetworkPolicy, canonical_name, is_unspecified, parse_entry
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
    assert not policy.allows_name(f"{name}.{child}_other", 443)


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


# modes


CLOSED = [
    "127.0.0.1", "10.1.2.3", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.169.254", "100.100.100.200",
    "168.63.129.16", "198.18.0.1", "192.0.2.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::",
    "fe80::1", "fc00::1", "fd00:ec2::254", "2001:db8::1", "2001::1", "ff02::1", "::7f00:1", "64:ff9b:1::1", "100::1",
    "3fff::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:2800:220:1::1", "::ffff:1.1.1.1", "64:ff9b::101:101"]


def as_entry(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)


policies = st.builds(
    NetworkPolicy,
    mode=st.sampled_from(["open", "rules", "none"]),
    allow=st.just(()),
    deny=st.lists(
        addresses.filter(lambda each: not is_unspecified(parse_address(str(each)))).map(as_entry), max_size=3
    ).map(tuple),
)
EVERYTHING = ("0.0.0.0/0:1-65535", "[::/0]:1-65535", "*.test:1-65535")


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_public_is_closed_in_every_mode_and_to_every_rule(address: str) -> None:
    for policy in (Policy(NetworkPolicy()), Policy(NetworkPolicy(mode="rules", allow=EVERYTHING))):
        assert not dials(policy, address)
        assert not policy.allows_result("a.test", ipaddress.ip_address(address), 443, is_own=False)
        assert not policy.leads_somewhere(ipaddress.ip_address(address), is_own=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_is_open_at_every_port_unless_it_is_this_machine_s(address: str) -> None:
    policy, parsed = Policy(NetworkPolicy()), ipaddress.ip_address(address)
    for port in (1, 22, 443, 65535):
        assert dials(policy, address, port)
        assert policy.allows_result("a.test", parsed, port, is_own=False)
        assert not dials(policy, address, port, is_own=True)
        assert not policy.allows_result("a.test", parsed, port, is_own=True)
    assert policy.knows("whatever.example")
    assert policy.leads_somewhere(parsed, is_own=False)


@given(policy=policies, address=addresses, port=st.integers(0, 65535), is_own=st.booleans())
def test_no_policy_opens_more_than_open_does(
    policy: NetworkPolicy, address: ipaddress.IPv4Address, port: int, is_own: bool
) -> None:
    wide = NetworkPolicy(mode=policy.mode, allow=EVERYTHING if policy.mode == "rules" else (), deny=policy.deny)
    if Policy(wide).allows_address(address, port, is_own=is_own):
        assert Policy(NetworkPolicy()).allows_address(address, port, is_own=is_own)


@given(address=addresses, port=st.integers(0, 65535), is_own=st.booleans(), name=names)
def test_none_is_nothing_whatever_was_granted(
    address: ipaddress.IPv4Address, port: int, is_own: bool, name: str
) -> None:
    policy = Policy(NetworkPolicy(mode="none"), (*EVERYTHING, "127.0.0.1", name))
    assert not policy.allows_address(address, port, is_own=is_own)
    assert not policy.allows_result(name, address, port, is_own=is_own)
    assert not policy.allows_name(name, port)
    assert not policy.knows(name)


def test_denied_is_denied_though_it_is_public_or_granted() -> None:
    policy = Policy(NetworkPolicy(deny=("1.1.1.0/24", "b.test", "c.test:80")), ("10.0.0.0/8", "1.1.1.1", "b.test"))
    assert [dials(policy, address) for address in ("1.1.1.1", "1.0.0.1", "10.0.0.1")] == [False, True, True]
    assert not policy.allows_result("a.test", ipaddress.ip_address("1.1.1.7"), 443, is_own=False)
    assert [policy.knows(name) for name in ("a.test", "b.test", "c.test")] == [True, False, True]
    assert [policy.allows_name("c.test", port) for port in (80, 443)] == [False, True]


def test_rule_opens_what_the_operator_granted_and_no_more_of_it() -> None:
    policy = Policy(NetworkPolicy(mode="rules", allow=("10.1.0.0/16:1-65535", "db.test:5432")), ("10.1.2.3:5432",))
    assert [dials(policy, "10.1.2.3", port) for port in (5432, 22)] == [True, False]
    assert not dials(policy, "10.1.2.4", 5432)
    assert policy.allows_result("db.test", ipaddress.ip_address("10.1.2.3"), 5432, is_own=False)
    assert not policy.allows_name("db.test", 22)
    strange = Policy(NetworkPolicy(mode="rules", allow=("partner.test:5432",)), ("10.1.2.3:5432", "127.0.0.1:5432"))
    for granted in ("10.1.2.3", "127.0.0.1"):
        assert not strange.allows_result("partner.test", ipaddress.ip_address(granted), 5432, is_own=False)


@pytest.mark.parametrize(
    "entry", ["a.test:5-9", "192.0.2.1:5-9", "[2001:db8::1]:5-9", "*.a.test:5-9", "192.0.2.0/24:5-9"]
)
def test_ports_may_be_a_range(entry: str) -> None:
    parsed = parse_entry(entry)
    assert [parsed.has_port(port) for port in (4, 5, 9, 10)] == [False, True, True, False]


@pytest.mark.parametrize(
    "entry", ["a.test:9-5", "a.test:0-5", "a.test:5-70000", "a.test:5-", "a.test:-5", "a.test:5-6-7"]
)
def test_range_that_is_none_is_no_entry(entry: str) -> None:
    with pytest.raises(InvalidNetwork):
        parse_entry(entry)
