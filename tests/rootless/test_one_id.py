"""A user to whom no ids are lent has sessions all the same; what they cannot do is refused with a sentence."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.looking import Look
from websockets.exceptions import InvalidStatus

import cove

from .ordinary import OrdinaryUser, ordinary_user
from .serving import OrdinaryServer

WHEEL = """
import zipfile
with zipfile.ZipFile("/tmp/greet-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("greet.py", "def main(): print('greetings')")
    wheel.writestr("greet-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: greet\\nVersion: 1\\n")
    wheel.writestr("greet-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("greet-1.dist-info/entry_points.txt", "[console_scripts]\\ngreet = greet:main\\n")
    wheel.writestr("greet-1.dist-info/RECORD", "")
"""


@pytest.fixture(scope="module")
def alone(ordinary: OrdinaryUser) -> Iterator[OrdinaryUser]:
    """Another user, with one id."""
    with ordinary_user(lent=False) as made:
        yield made


@pytest.fixture(scope="module")
def served(alone: OrdinaryUser) -> Iterator[OrdinaryServer]:
    """Its `cove up`."""
    server = OrdinaryServer(alone)
    try:
        server.up()
        yield server
    finally:
        server.close()


@pytest.fixture
def inside(served: OrdinaryServer) -> Iterator[cove.Session]:
    """A session of a test's own."""
    with served.client() as bay, bay.open() as session:
        yield session


def test_the_session_is_wuyings_and_outside_the_users(inside: cove.Session, alone: OrdinaryUser) -> None:
    assert inside.command.run("id -un; pwd; id -G").unwrap() == "wuying\n/home/wuying\n1000\n"
    inside.file_system.write_file("a.txt", "kept").unwrap()
    assert inside.command.run("cat a.txt").unwrap() == "kept"
    assert {owner for line in alone.processes() if (owner := pid_owner(line)) is not None} == {alone.uid}


def pid_owner(line: str) -> int | None:
    """None of one that has ended since."""
    try:
        return Path(f"/proc/{line.split()[1]}").stat().st_uid
    except FileNotFoundError:
        return None


def test_root_is_refused_with_one_sentence(inside: cove.Session) -> None:
    refused = inside.command.run("id", user="root")
    assert (refused.success, refused.code) == (False, "NotSupported")
    assert "nobody is root in this session" in refused.error_message


def test_a_terminal_works_and_is_nobodys_as_root(inside: cove.Session, served: OrdinaryServer) -> None:
    one = Look(f"unix://{served.socket}", inside.session_id, "cols=97&rows=31&command=stty%20size%3B%20id%20-un")
    assert one.end() == {"type": "exited", "exit_code": 0}
    assert one.shown == b"31 97\r\nwuying\r\n"
    with pytest.raises(InvalidStatus) as refused:
        Look(f"unix://{served.socket}", inside.session_id, "user=root")
    assert b"nobody is root in this session" in refused.value.response.body


def test_programs_are_installed_at_home_and_found(inside: cove.Session) -> None:
    if inside.command.run("python3 -m pip --version", timeout_ms=60_000).exit_code:
        pytest.skip("the host's Python has no pip")
    inside.file_system.write_file("/tmp/make.py", WHEEL).unwrap()
    done = inside.command.run(
        "python3 /tmp/make.py && python3 -m pip install --no-index /tmp/greet-1-py3-none-any.whl && greet",
        timeout_ms=200_000,
    )
    assert done.stdout.endswith("greetings\n"), done.stderr
    assert inside.command.run("command -v greet").unwrap() == "/home/wuying/.local/bin/greet\n"


def test_nobody_has_a_capability(inside: cove.Session) -> None:
    told = inside.command.run("grep -h CapEff /proc/[0-9]*/status | sort -u").unwrap().split()
    assert told == ["CapEff:", "0000000000000000"]


def test_pause_metrics_and_deletion_are_as_with_more_ids(inside: cove.Session) -> None:
    inside.command.run("mkdir -p deep/down && chmod 000 deep/down deep; nohup sleep 1000 >/dev/null 2>&1 &").unwrap()
    inside.pause().unwrap()
    inside.resume().unwrap()
    assert inside.command.run("echo awake").unwrap() == "awake\n"
    assert inside.get_metrics().unwrap().mem_used > 0


def test_difference_is_told_with_what_is_missing(served: OrdinaryServer, alone: OrdinaryUser) -> None:
    with served.client() as bay:
        told = bay.server.capabilities().isolation.notes
    assert told[0].startswith(f"/etc/subuid lends {alone.name} no 65536 ids: nobody is root inside")
