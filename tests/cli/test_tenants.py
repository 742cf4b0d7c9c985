"""`cove key` and `cove quota`: what they print, and what it does to a tenant."""

import secrets
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from cove.app.local import Started

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def json_of(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout)


@pytest.fixture
def tenant(run: Run) -> Iterator[str]:
    """A tenant of this test's own; its sessions are ended."""
    name = f"tenant-{secrets.token_hex(4)}"
    yield name
    run("quota", "clear", name)


@pytest.fixture
def made(run: Run, tenant: str) -> dict[str, Any]:
    """A key of that tenant, with its secret."""
    return json_of(run("key", "create", tenant, "--name", "ci", "--json"))


def _key(run: Run, key_id: str) -> list[str]:
    """A key's line, by its fields."""
    rows = [row.split("\t") for row in run("key", "list").stdout.splitlines()]
    assert rows[0] == ["KEY", "TENANT", "OPERATOR", "NAME", "MADE (UTC)", "STATE"]
    return next(row for row in rows if row[0] == key_id)


def test_list_shows_a_key_with_its_name_and_state(run: Run, tenant: str, made: dict[str, Any]) -> None:
    row = _key(run, made["key"]["key_id"])
    assert (row[1:4], row[5]) == ([tenant, "no", "ci"], "valid")
    run("key", "revoke", made["key"]["key_id"])
    assert _key(run, made["key"]["key_id"])[5] == "revoked"


def test_key_that_expires_says_when(run: Run, tenant: str) -> None:
    made = json_of(run("key", "create", tenant, "--expires-in", "3600", "--json"))
    assert _key(run, made["key"]["key_id"])[5].startswith("until 2")


def test_rotation_prints_the_new_secret_and_says_how_long_the_old_one_works(
    run: Run, served: Started, made: dict[str, Any]
) -> None:
    rotated = run("key", "rotate", made["key"]["key_id"], "--overlap", "3600")
    fresh = {"COVE_ENDPOINT": served.url, "COVE_API_KEY": rotated.stdout.strip()}
    assert f"replaces {made['key']['key_id']}, which works for 60 min more" in rotated.stderr
    for secret in (rotated.stdout.strip(), made["secret"]):
        assert run("session", "list", **{**fresh, "COVE_API_KEY": secret}).returncode == 0
    assert _key(run, made["key"]["key_id"])[5].startswith("until 2")


def test_rotation_without_overlap_ends_the_old_key(run: Run, served: Started, made: dict[str, Any]) -> None:
    assert "which works no more" in run("key", "rotate", made["key"]["key_id"], "--overlap", "0").stderr
    refused = run("session", "list", COVE_ENDPOINT=served.url, COVE_API_KEY=made["secret"])
    assert (refused.returncode, "the API key is expired" in refused.stderr) == (1, True)
    assert _key(run, made["key"]["key_id"])[5] == "expired"


def test_quota_is_set_shown_and_cleared(run: Run, tenant: str) -> None:
    header, row = run("quota", "set", tenant, "sessions=2", "memory_bytes=8G").stdout.splitlines()
    assert header.split("\t") == ["TENANT", "SESSIONS", "MEMORY", "CPUS"]
    assert row.split("\t") == [tenant, "0 of 2", "0 B of 8.0 GiB", "0"]
    assert row in run("quota", "list").stdout.splitlines()
    assert run("quota", "clear", tenant).stdout.splitlines()[1].split("\t") == [tenant, "0", "0 B", "0"]


def test_tenant_past_its_quota_reads_what_to_do(run: Run, served: Started, tenant: str, made: dict[str, Any]) -> None:
    theirs = {"COVE_ENDPOINT": served.url, "COVE_API_KEY": made["secret"]}
    assert run("quota", "set", tenant, "sessions=1").returncode == 0
    session = run("session", "create", **theirs).stdout.strip()
    refused = run("session", "create", **theirs)
    assert refused.returncode == 1
    assert f"tenant '{tenant}' uses 1 of its 1 sessions, and wants 1 more" in refused.stderr
    assert "`cove session delete ID`" in refused.stderr
    assert [view["tenant"] for view in json_of(run("quota", "list", "--json", **theirs))] == [tenant]
    assert run("session", "delete", session, **theirs).returncode == 0


@pytest.mark.parametrize("amount", ["sessions", "sessions=-1", "sessions=1.5", "size=1", "cpus=two"])
def test_quota_that_is_none_is_refused(run: Run, tenant: str, amount: str) -> None:
    refused = run("quota", "set", tenant, amount)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.count("\n") == 1


def test_session_is_created_once_for_its_labels(run: Run) -> None:
    label = f"task={secrets.token_hex(4)}"
    first, again = (run("session", "create", "--label", label, "--reuse").stdout.strip() for _ in range(2))
    assert first == again
    assert run("session", "create", "--label", label).stdout.strip() != first
    for view in json_of(run("session", "list", "--label", label, "--json"))["sessions"]:
        run("session", "delete", view["session_id"])


def test_session_says_what_idleness_does_to_it(run: Run) -> None:
    made = json_of(run("session", "create", "--idle", "60", "--on-idle", "release", "--json"))
    assert (made["on_idle"], made["idle_timeout"]) == ("release", 60)
    run("session", "delete", made["session_id"])
    refused = run("session", "create", "--on-idle", "sleep")
    assert (refused.returncode, "pause, release" in refused.stderr) == (1, True)
