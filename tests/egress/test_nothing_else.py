"""What is not named is not reached, whatever a session tries; what is named is."""

from typing import Any

import pytest

import cove

pytestmark = pytest.mark.isolation

PLACES = [
    ("tcp", "1.1.1.1", 443),
    ("tcp", "169.254.169.254", 80),
    ("tcp", "100.100.100.200", 80),
    ("tcp", "10.0.0.1", 22),
    ("tcp", "198.18.200.200", 80),
    ("tcp", "127.0.0.1", 15001),
    ("tcp", "::1", 80),
    ("tcp", "2001:4860:4860::8888", 443),
    ("tcp", "::ffff:1.1.1.1", 80),
    ("tcp", "example.org", 443),
    ("udp", "1.1.1.1", 443),
    ("udp", "2001:4860:4860::8888", 53),
]
"""Literals, metadata, private networks, addresses that stand for no name, the relay's own port, IPv6, names, UDP."""


def test_named_host_answers_at_its_port_alone(session: cove.Session, greeters: Any, probe: Any) -> None:
    assert probe(session, "tcp", greeters.host, greeters.allowed) == "hello"
    assert probe(session, "tcp", greeters.host, greeters.other).startswith("nothing")


@pytest.mark.parametrize("user", ["wuying", "root"])
@pytest.mark.parametrize(("kind", "host", "port"), PLACES)
def test_place_that_is_not_named_is_not_reached(
    session: cove.Session, probe: Any, user: str, kind: str, host: str, port: int
) -> None:
    assert probe(session, kind, host, port, user=user).startswith("nothing")


def test_host_s_loopback_is_not_the_session_s(session: cove.Session, greeters: Any, probe: Any) -> None:
    for host in ("127.0.0.1", "127.1.2.3", "0.0.0.0"):
        assert probe(session, "tcp", host, greeters.loopback).startswith("nothing")


def test_allowed_name_that_leads_to_loopback_is_not_followed(session: cove.Session, greeters: Any, probe: Any) -> None:
    assert probe(session, "named", "", greeters.loopback, "localhost").startswith("nothing")


def test_there_is_no_interface_that_packets_could_leave_by(
    session: cove.Session, alone: cove.Session, probe: Any
) -> None:
    for each in (session, alone):
        assert probe(each, "interfaces", "", user="root") == "lo"


@pytest.mark.parametrize("resolver", ["127.0.0.1", "1.1.1.1", "8.8.8.8"])
@pytest.mark.parametrize("kind", ["A", "AAAA", "TXT", "ANY"])
def test_no_resolver_knows_a_name_that_is_not_allowed(
    session: cove.Session, probe: Any, resolver: str, kind: str
) -> None:
    answer = probe(session, "dns", resolver, 53, f"{kind}:a-secret-to-carry-out.example.org")
    assert answer == "code 3, 0 answers"


def test_allowed_name_has_one_address_that_stands_for_it_and_no_other_record(session: cove.Session, probe: Any) -> None:
    assert probe(session, "dns", "127.0.0.1", 53, "A:localhost") == "code 0, 1 answers"
    for kind in ("AAAA", "TXT"):
        assert probe(session, "dns", "127.0.0.1", 53, f"{kind}:localhost") == "code 0, 0 answers"
    assert probe(session, "dns", "127.0.0.1", 53, "TXT:below.localhost") == "code 3, 0 answers"


@pytest.mark.parametrize(("kind", "host", "port"), PLACES)
def test_session_of_a_server_without_named_hosts_reaches_nothing(
    alone: cove.Session, probe: Any, kind: str, host: str, port: int
) -> None:
    assert probe(alone, kind, host, port, "A:localhost").startswith("nothing")


def test_session_without_named_hosts_does_not_reach_this_machine(
    alone: cove.Session, greeters: Any, probe: Any
) -> None:
    assert probe(alone, "tcp", greeters.host, greeters.allowed).startswith("nothing")
    assert probe(alone, "tcp", "127.0.0.1", greeters.loopback).startswith("nothing")


def test_session_s_own_servers_are_reached_inside_it(alone: cove.Session) -> None:
    script = (
        'python3 -c \'import socket; s = socket.create_server(("127.0.0.1", 8000));'
        ' c = socket.create_connection(("127.0.0.1", 8000)); s.accept()[0].send(b"mine"); print(c.recv(9))\''
    )
    assert alone.command.execute_command(script).unwrap() == "b'mine'\n"
