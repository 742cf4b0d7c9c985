"""`cove net`: what it prints, and what it refuses."""

from typing import Any

import msgspec
import pytest

Run = Any


def test_policy_is_shown_and_set(run: Run, session: str) -> None:
    assert run("net", "show", session).stdout == "network  open\n"
    done = run("net", "set", session, "rules", "--allow", "a.test:80-90", "--allow", "192.0.2.7", "--deny", "b.test")
    assert done.stdout == "network  rules\nallow    a.test:80-90, 192.0.2.7\ndeny     b.test\n"
    shown = msgspec.json.decode(run("net", "show", session, "--json").stdout)
    assert shown == {"mode": "rules", "allow": ["a.test:80-90", "192.0.2.7"], "deny": ["b.test"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("shut",), "network: 'shut' is not valid: "),
        (("rules", "--allow", "http://a.test/"), "network: 'http://a.test/' is not valid: give a host name"),
        (("none", "--allow", "a.test"), "network: 'a.test' is not valid: `allow` belongs to mode rules"),
    ],
)
def test_policy_that_cannot_be_read_is_named(run: Run, session: str, words: tuple[str, ...], told: str) -> None:
    done = run("net", "set", session, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"cove: {told}")
    assert run("net", "show", session).stdout == "network  open\n"


def test_session_is_created_with_a_policy(run: Run) -> None:
    session = run("session", "create", "--network", "none").stdout.strip()
    assert run("net", "show", session).stdout == "network  none\n"
    run("session", "delete", session)


def test_log_without_connections_says_so_to_a_person_alone(run: Run, session: str) -> None:
    assert (run("net", "log", session).stdout, run("net", "log", session, "--json").stdout) == ("", "")
    assert run("net", "log", "s-none").returncode == 1
