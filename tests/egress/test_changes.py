"""Modes, and changes while a session runs; the log of what it did; policies that cannot be read."""

import socket
from collections.abc import Callable
from contextlib import closing

import pytest
from tests.egress.attack import Inside
from tests.egress.internet import (
    ANOTHER,
    PUBLIC,
    PUBLIC_IPV6,
    Internet,
)
from tests.waiting import until

import cove

pytestmark = [pytest.mark.isolation, pytest.mark.claim("network-change")]


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
        "python3 -c 'import socket, sys, threading\n"
        "def wait(s, host):\n"
        "    try: s.recv(9)\n"
        '    finally: open(f"/tmp/end-{host}", "w")\n'
        "for host in sys.argv[1:]:\n"
        '    s = socket.create_connection((host, 80)); s.send(b"x"); s.recv(99); open(f"/tmp/up-{host}", "w")\n'
        "    threading.Thread(target=wait, args=(s, host)).start()\n"
        f"' {PUBLIC} {ANOTHER} >/dev/null 2>&1 &"
    )
    holding.session.command.execute_command(hold).unwrap()

    def has(name: str) -> bool:
        return bool(holding.session.command.execute_command(f"test -e /tmp/{name}").success)

    until(lambda: has(f"up-{ANOTHER}"), "both connections stand")
    holding.session.network.set({"mode": "rules", "allow": [ANOTHER]}).unwrap()
    (line,) = until(lambda: holding.session.network.log().unwrap(), "the cut is told")
    assert (line.host, line.port, line.verdict, line.tx_bytes) == (PUBLIC, 80, "cut", 1)
    until(lambda: has(f"end-{PUBLIC}"), "its program sees the cut")
    assert not has(f"end-{ANOTHER}")
    assert holding.try_out("tcp", ANOTHER, 80).startswith("hello")


def test_log_tells_each_connection_once_and_only_of_its_own_session(inside: Callable[..., Inside]) -> None:
    one, other = inside(mode="rules", allow=["allowed.test"]), inside(mode="open")

    def told(count: int) -> list[cove.Connection]:
        """A connection that was carried is told after the last end of it was heard of, and that may be outside."""
        return until(lambda: (lines := one.session.network.log().unwrap())[count - 1 :] and lines, "all are told")

    assert one.try_out("tcp", "allowed.test", 80).startswith("hello")
    told(1)
    assert one.try_out("tcp", "10.0.0.1", 22).startswith("nothing")
    told(2)
    assert one.try_out("tcp", "evil.test", 80).startswith("nothing")
    lines = told(3)
    assert [(line.number, line.host, line.port, line.verdict) for line in lines] == [
        (1, "allowed.test", 80, "carried"),
        (2, "10.0.0.1", 22, "refused"),
        (3, "evil.test", 53, "refused"),
    ]
    assert (lines[0].tx_bytes, lines[0].rx_bytes) == (len("hello\r\n\r\n"), len(f"hello from {PUBLIC} 80"))
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
