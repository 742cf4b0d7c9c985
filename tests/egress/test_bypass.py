"""Ways around a network policy, each tried from inside a session, and shown to succeed where its one control is off.

The control of most is that nobody but the operator opens what is not public; the same attack is then made at a Cove
whose operator did. The others' is said with each.
"""

import shlex
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.egress.internet import (
    ANOTHER,
    EVERYWHERE,
    GATEWAY,
    LOOPBACK,
    OWN,
    OWN_IPV6,
    OWN_PUBLIC,
    PUBLIC,
    PUBLIC_IPV6,
    Internet,
    internet,
)
from tests.serving import IS_REAL
from tests.waiting import until

import cove

pytestmark = [pytest.mark.isolation, pytest.mark.skipif(not IS_REAL, reason="needs root")]

PROBE = Path(__file__).with_name("probe.py").read_text()
GRANTED = (
    "169.254.169.254", "100.100.100.200", "168.63.129.16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
    "100.64.0.0/10", f"{OWN}:{EVERYWHERE}", f"{OWN_PUBLIC}:{EVERYWHERE}", f"127.0.0.1:{LOOPBACK}", "169.254.7.7",
    f"[{OWN_IPV6}]:{EVERYWHERE}", "[fe80::7]", "fd00::/8", "192.0.2.0/24",
)  # fmt: skip
"""What the generous operator opens: each of the places that the attacks are after."""
NAMES = {
    "metadata_test": ["169.254.169.254"], "private_test": ["10.0.0.1"], "own_test": [OWN],
    "own-public_test": [OWN_PUBLIC],
    "own-ipv6_test": [OWN_IPV6], "unique-local_test": ["fd12::1"], "mapped_test": ["::ffff:10.0.0.1"],
    "nat64_test": ["64:ff9b::a00:1"], "six-to-four_test": ["2002:a00:1::1"], "mixed_test": ["10.0.0.1", PUBLIC],
    "public_test": [PUBLIC], "ipv6_test": [PUBLIC_IPV6], "allowed_test": [PUBLIC], "evil_test": [ANOTHER],
    "loopback-by-dns_test": ["127.0.0.1"],
}  # fmt: skip


class Attack(msgspec.Struct, frozen=True):
    """Words for the probe, and what it says when it got through."""

    kind: str
    host: str
    port: int
    text: str = ""
    prize: str = "hello"
    user: str = "wuying"


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


class Inside:
    """A session, and a hand in it."""

    def __init__(self, session: cove.Session) -> None:
        self.session = session

    def make(self, attack: Attack) -> str:
        """What came of it."""
        words = shlex.join([attack.kind, attack.host, str(attack.port), attack.text])
        done = self.session.command.execute_command(f"python3 - {words}", stdin=PROBE, user=attack.user)
        return done.unwrap().strip()

    def try_out(self, kind: str, host: str, port: int, text: str = "", user: str = "wuying") -> str:
        """The same, of words."""
        return self.make(Attack(kind, host, port, text, user=user))


@pytest.fixture(scope="module")
def net() -> Iterator[Internet]:
    """An operator who opens nothing."""
    with internet() as it:
        it.name(**{name: [found] for name, found in NAMES.items()})
        yield it


@pytest.fixture(scope="module")
def generous() -> Iterator[Inside]:
    """A session where the operator has opened what the attacks are after."""
    with internet(*(word for entry in GRANTED for word in ("--allow", entry))) as it, it.client() as bay:
        it.name(**{name: [found] for name, found in NAMES.items()})
        yield Inside(bay.create().unwrap())


@pytest.fixture(scope="module")
def bay(net: Internet) -> Iterator[cove.AgentBay]:
    with net.client() as it:
        yield it


@pytest.fixture(scope="module")
def open_one(bay: cove.AgentBay) -> Inside:
    return Inside(bay.create().unwrap())


@pytest.fixture
def inside(bay: cove.AgentBay) -> Iterator[Callable[..., Inside]]:
    """Makes sessions with policies."""
    made: list[cove.Session] = []

    def make(**policy: object) -> Inside:
        made.append(bay.create(cove.CreateSessionParams(network=dict(policy))).unwrap())
        return Inside(made[-1])

    yield make
    for session in made:
        session.delete().unwrap()


# what is public is reached


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
    listening = net.on_machine("ss", "-Hltn").splitlines()
    ports = {int(line.split()[3].rpartition(":")[2]) for line in listening}
    assert {EVERYWHERE, LOOPBACK} < ports, "cove up itself listens, too"
    for port in ports:
        for host in ("127.0.0.1", OWN, OWN_PUBLIC, "own.test", "own-ipv6.test"):
            assert open_one.try_out("tcp", host, port).startswith("nothing"), f"{host}:{port}"


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


# names


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
    heard = {open_one.try_out("tcp", "rebinding.test", 80) for _ in range(4)}
    assert heard == {f"hello from {PUBLIC} 80"}
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


# other ways than TCP


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
        net.on_machine(sys.executable, "-", "udp", host, "443", given=PROBE)
        assert net.heard() == ["hello"]


def test_packets_written_by_hand_stay_inside(net: Internet, open_one: Inside) -> None:
    """The control is the namespace, which has no way out: the machine's own packets come through."""
    net.heard()
    assert open_one.try_out("raw", PUBLIC, 443, user="root") == "sent"
    assert open_one.try_out("raw", PUBLIC, 443).startswith("nothing")
    assert net.heard() == []
    assert net.on_machine(sys.executable, "-", "raw", PUBLIC, "443", given=PROBE) == "sent\n"
    assert until(net.heard, "the machine's packets come out") == ["hello"] * 10


def test_nobody_inside_changes_the_network(open_one: Inside) -> None:
    assert open_one.try_out("interfaces", "", 0, user="root") == "lo"
    assert open_one.try_out("packets", "lo", 0, user="root").startswith("nothing")
    assert open_one.try_out("rules", "", 0, user="root").startswith("nothing")
    assert open_one.try_out("tcp", "10.0.0.1", 80, user="root").startswith("nothing")


# modes, and changes while a session runs


@pytest.mark.parametrize("host", [PUBLIC, "public.test", PUBLIC_IPV6, "10.0.0.1"])
def test_none_is_nothing(inside: Callable[..., Inside], open_one: Inside, host: str) -> None:
    closed = inside(mode="none")
    assert closed.try_out("tcp", host, 80).startswith("nothing")
    assert closed.try_out("dns", "127.0.0.1", 53, "A:public.test") == "code 3, 0 answers"


def test_change_holds_at_once_for_new_connections_both_ways(inside: Callable[..., Inside]) -> None:
    session = inside(mode="none")
    for policy, reached in [
        ("open", (True, True)),
        ({"mode": "rules", "allow": ["allowed.test"]}, (False, True)),
        ({"mode": "open", "deny": ["allowed.test"]}, (True, False)),
        ({"mode": "open", "deny": [PUBLIC]}, (False, False)),
        ("none", (False, False)),
    ]:
        set_to = session.session.network.set(policy).unwrap()
        assert session.session.network.get().unwrap() == set_to
        tries = tuple(session.try_out("tcp", host, 80).startswith("hello") for host in (PUBLIC, "allowed.test"))
        assert tries == reached, policy


def test_change_cuts_the_connections_that_it_does_not_allow_and_no_others(inside: Callable[..., Inside]) -> None:
    holding = inside(mode="open")
    hold = (
        "python3 -c 'import socket, sys\n"
        "for host in sys.argv[1:]:\n"
        '    s = socket.create_connection((host, 80)); s.send(b"x"); s.recv(99); open(f"/tmp/up-{host}", "w")\n'
        '    import threading; threading.Thread(target=lambda s=s, h=host: (s.recv(9), open(f"/tmp/end-{h}", "w")),'
        " daemon=bool(0)).start()\n"
        f"' {PUBLIC} {ANOTHER} >/dev/null 2>&1 &"
    )
    holding.session.command.execute_command(hold).unwrap()

    def has(name: str) -> bool:
        return bool(holding.session.command.execute_command(f"test -e /tmp/{name}").success)

    until(lambda: has(f"up-{ANOTHER}"), "both connections stand")
    holding.session.network.set({"mode": "rules", "allow": [ANOTHER]}).unwrap()
    (line,) = until(lambda: holding.session.network.log().unwrap(), "the cut is told")
    assert (line.host, line.port, line.verdict, line.tx_bytes) == (PUBLIC, 80, "cut", 1)
    assert not has(f"end-{ANOTHER}")
    assert holding.try_out("tcp", ANOTHER, 80).startswith("hello")


def test_log_tells_each_connection_once_and_only_of_its_own_session(inside: Callable[..., Inside]) -> None:
    one, other = inside(mode="rules", allow=["allowed.test"]), inside(mode="open")
    assert one.try_out("tcp", "allowed.test", 80).startswith("hello")
    assert one.try_out("tcp", "10.0.0.1", 22).startswith("nothing")
    assert one.try_out("tcp", "evil.test", 80).startswith("nothing")
    lines = one.session.network.log().unwrap()
    assert [(line.number, line.host, line.port, line.verdict) for line in lines] == [
        (1, "allowed.test", 80, "carried"),
        (2, "10.0.0.1", 22, "refused"),
        (3, "evil.test", 53, "refused"),
    ]
    assert (lines[0].tx_bytes, lines[0].rx_bytes) == (6, len(f"hello from {PUBLIC} 80"))
    assert one.session.network.log(after=2).unwrap() == lines[2:]
    assert one.session.network.log(after=-1).unwrap() == lines[2:]
    assert other.session.network.log().unwrap() == []


@pytest.mark.parametrize(
    "policy",
    [
        "closed", {"mode": "shut"}, {"mode": "rules", "allow": ["http://a.test/"]}, 7, ["open"], {"open": True},
        {"mode": "rules", "allow": "a.test"}, {"mode": "rules", "deny": ["a.test:0"]},
        {"mode": "open", "allow": ["a.test"]},
        {"mode": "rules", "allow": ["a.test:9-8"]}, {"mode": "rules", "allow": ["a.test"] * 513},
        {"mode": "rules", "allow": ["a\0.test"]},
    ],
)  # fmt: skip
def test_policy_that_cannot_be_read_changes_nothing_and_is_named(
    open_one: Inside, bay: cove.AgentBay, policy: object
) -> None:
    with pytest.raises(cove.InvalidNetwork):
        open_one.session.network.set(policy)  # type: ignore[arg-type] # that is what is tested
    with pytest.raises(cove.InvalidNetwork):
        bay.create(cove.CreateSessionParams(network=policy))  # type: ignore[arg-type] # as above
    assert open_one.session.network.get().unwrap().mode == "open"


def test_paused_session_s_policy_can_be_changed(inside: Callable[..., Inside]) -> None:
    asleep = inside(mode="open")
    asleep.session.pause().unwrap()
    assert asleep.session.network.set("none").unwrap().mode == "none"
    asleep.session.resume().unwrap()
    assert asleep.try_out("tcp", PUBLIC, 80).startswith("nothing")


def test_flood_of_connections_does_not_keep_others_waiting(inside: Callable[..., Inside], open_one: Inside) -> None:
    flood = (
        "python3 -c 'import socket\nheld = []\nfor _ in range(2000):\n"
        f'    s = socket.socket(); s.setblocking(False); held.append(s)\n    s.connect_ex(("{PUBLIC}", 80))\n'
        "import time; time.sleep(60)' >/dev/null 2>&1 & echo begun"
    )
    assert inside(mode="open").session.command.execute_command(flood).unwrap() == "begun\n"
    assert open_one.try_out("tcp", PUBLIC, 80).startswith("hello")


def test_nothing_of_a_deleted_session_is_left_at_the_relay(net: Internet, bay: cove.AgentBay) -> None:
    gone = Inside(bay.create().unwrap())
    assert gone.try_out("tcp", PUBLIC, 80).startswith("hello")
    gone.session.delete().unwrap()
    result = gone.session.network.get()
    assert (result.success, result.code) == (False, "SessionNotFound")
    with closing(socket.socket(socket.AF_UNIX)) as door:
        door.connect(net.server.socket)
