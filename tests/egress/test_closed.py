"""What is not public is closed to every session, in `open` as in `rules`, and only the operator opens it.

Each attack is made a second time where the operator did open its place, and succeeds there; the control of the others
is said with each.
"""

import sys
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from tests.egress.attack import NAMES, PROBE, Attack, Inside
from tests.egress.internet import (
    EVERYWHERE,
    GATEWAY,
    LOOPBACK,
    OWN,
    OWN_PUBLIC,
    PUBLIC,
    Internet,
)
from tests.waiting import until

import cove

GET = (
    "import http.client, sys; door = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=30);"
    " door.request('GET', '/'); door.getresponse(); print('answered')"
)
NONE_ANSWERS = "nothing: none answers"
pytestmark = [pytest.mark.isolation, pytest.mark.claim("network")]


ATTACKS = {
    "link-local metadata": Attack("tcp", "169.254.169.254", 80),
    "metadata in the carriers' range": Attack("tcp", "100.100.100.200", 80),
    "metadata at a public address": Attack("tcp", "168.63.129.16", 80),
    "a private network (10)": Attack("tcp", "10.0.0.1", 80),
    "a private network (172)": Attack("tcp", "172.16.0.1", 443),
    "a private network (192)": Attack("tcp", "192.168.1.1", 80),
    "the carriers' range": Attack("tcp", "100.64.0.1", 80),
    "another link-local address": Attack("tcp", "169.254.7.7", 80),
    "documentation": Attack("tcp", "192.0.2.1", 80),
    "the host's gateway": Attack("tcp", GATEWAY, 80),
    "the host at its private address": Attack("tcp", OWN, EVERYWHERE, prize="hello from the machine"),
    "the host at its public address": Attack("tcp", OWN_PUBLIC, EVERYWHERE, prize="hello from the machine"),
    "a mapped private address": Attack("tcp", "::ffff:10.0.0.1", 80),
    "a mapped metadata address": Attack("tcp", "::ffff:169.254.169.254", 80),
    "the host's mapped address": Attack("tcp", f"::ffff:{OWN}", EVERYWHERE, prize="hello from the machine"),
    "private, as root": Attack("tcp", "10.0.0.1", 80, user="root"),
    "metadata from a foreign address": Attack("transparent", "169.254.169.254", 80, user="root"),
    "a name of the metadata": Attack("tcp", "metadata.test", 80),
    "a name of a private host": Attack("tcp", "private.test", 80),
    "a name of the host": Attack("tcp", "own.test", EVERYWHERE, prize="hello from the machine"),
    "a name of the host's public address": Attack("tcp", "own-public.test", EVERYWHERE, prize="hello from the machine"),
    "a name of the host's IPv6 address": Attack("tcp", "own-ipv6.test", EVERYWHERE, prize="hello from the machine"),
    "a name of a local IPv6 address": Attack("tcp", "unique-local.test", 80),
    "a name of a mapped address": Attack("tcp", "mapped.test", 80),
    "a name of an address behind NAT64": Attack("tcp", "nat64.test", 80),
    "a name of an address behind 6to4": Attack("tcp", "six-to-four.test", 80),
    "a name with a private address beside its public one": Attack("tcp", "mixed.test", 80, prize="hello from 10.0.0.1"),
    "a name in the host's own table": Attack("named", "", LOOPBACK, "loopback.test", "hello from the machine"),
    "a name that DNS leads to loopback": Attack(
        "named", "", LOOPBACK, "loopback-by-dns.test", "hello from the machine"
    ),
}
"""What is closed to whom the operator has not opened it, in `open` as in `rules`."""


@pytest.mark.parametrize("host", [PUBLIC, f"::ffff:{PUBLIC}", "public.test", "PUBLIC.test.", "ipv6.test"])
@pytest.mark.parametrize("port", [80, 8080, 22])
def test_public_host_is_reached_by_address_and_by_name_at_any_port(open_one: Inside, host: str, port: int) -> None:
    assert open_one.try_out("tcp", host, port).startswith("hello from ")


def test_name_that_nobody_has_is_no_host(open_one: Inside) -> None:
    assert open_one.try_out("dns", "127.0.0.1", 53, "A:nobody.test") == "code 3, 0 answers"
    assert open_one.try_out("dns", "127.0.0.1", 53, "A:public.test") == "code 0, 1 answers"
    assert open_one.try_out("dns_over_tcp", "9.9.9.9", 53, "A:public.test") == "code 0, 1 answers"


# what is closed to all but the operator


@pytest.mark.parametrize("name", ATTACKS)
def test_closed_place_is_not_reached_unless_the_operator_opened_it(
    open_one: Inside, generous: Inside, name: str
) -> None:
    attack = ATTACKS[name]
    assert attack.prize not in open_one.make(attack)
    assert attack.prize in generous.make(attack), "the attack itself is blunt"


@pytest.mark.parametrize("name", ATTACKS)
def test_tenant_s_rule_opens_nothing_that_is_closed(inside: Callable[..., Inside], name: str) -> None:
    attack = ATTACKS[name]
    everything = ["0.0.0.0/0:1-65535", "[::/0]:1-65535", "*.test:1-65535"]
    names = [f"{name.replace('_', '.')}:1-65535" for name in NAMES] + ["loopback.test:1-65535"]
    assert attack.prize not in inside(mode="rules", allow=everything + names).make(attack)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "localhost"])
@pytest.mark.parametrize("port", [EVERYWHERE, LOOPBACK])
def test_loopback_is_the_session_s_own(net: Internet, open_one: Inside, host: str, port: int) -> None:
    """The control is the network namespace: on the machine itself, the same finds the machine's services."""
    assert open_one.try_out("tcp", host, port).startswith("nothing")
    if (host, port) not in {("127.9.9.9", LOOPBACK), ("::1", LOOPBACK)}:
        found = net.on_machine(sys.executable, "-", "tcp", host, str(port), given=PROBE)
        assert found == "hello from the machine\n"


def test_cove_s_own_doors_are_out_of_reach(net: Internet, bay: cove.AgentBay, open_one: Inside) -> None:
    """Every port at which a process of the machine listens, at each of the machine's addresses."""
    listening = [line.split()[3].rpartition(":") for line in net.on_machine("ss", "-Hltn").splitlines()]
    assert {EVERYWHERE, LOOPBACK} < {int(port) for _, _, port in listening}, "cove up itself listens, too"
    hosts = ("127.0.0.1", OWN, OWN_PUBLIC, "own.test", "own-ipv6.test")
    places = [(host, port) for at, _, port in listening for host in (*hosts, *({at.strip("[]")} - {"*", "0.0.0.0"}))]
    assert open_one.try_out("each", "", 0, ",".join(f"{host} {port}" for host, port in places)) == NONE_ANSWERS
    found = net.on_machine(sys.executable, "-", "each", "", "0", f"{OWN} {EVERYWHERE}", given=PROBE)
    assert found == f"{OWN} {EVERYWHERE}: hello from the machine\n"


def test_links_of_sessions_are_out_of_reach_of_sessions(
    net: Internet, inside: Callable[..., Inside], open_one: Inside
) -> None:
    """The control is that loopback is closed, whatever name leads there: on the machine itself, the gateway answers."""
    linked = inside(mode="open")
    place = urlsplit(linked.session.get_link("https", 30100).unwrap())
    assert place.hostname
    assert place.port
    net.name(link_test=[[place.hostname]])
    for each in (linked, open_one):
        for host in (place.hostname, "link.test"):
            assert each.try_out("tcp", host, place.port).startswith("nothing")
        assert each.try_out("named", "", place.port, "link.test").startswith("nothing")
    assert net.on_machine(sys.executable, "-c", GET, place.hostname, str(place.port)) == "answered\n"


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "127.1.1.1"])
def test_relay_s_own_port_leads_nowhere_and_to_no_loop(open_one: Inside, host: str) -> None:
    assert open_one.try_out("tcp", host, 15001).startswith("nothing")
    assert open_one.try_out("tcp", PUBLIC, 15001) == f"hello from {PUBLIC} 15001"


def test_neighbour_s_server_is_out_of_reach(bay: cove.AgentBay, inside: Callable[..., Inside]) -> None:
    """The control is the network namespace: the neighbour itself reaches it."""
    one, other = inside(mode="open"), inside(mode="open")
    serve = "python3 -m http.server 8000 --bind 0.0.0.0 >/dev/null 2>&1 & echo started"
    assert one.session.command.execute_command(serve).unwrap() == "started\n"
    until(lambda: not one.try_out("tcp", "127.0.0.1", 8000).startswith("nothing"), "the neighbour serves")
    for host in ("127.0.0.1", "0.0.0.0", OWN, OWN_PUBLIC, "own.test"):
        assert other.try_out("tcp", host, 8000).startswith("nothing")
