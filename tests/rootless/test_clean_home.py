"""In a clean home, with nothing set: `cove doctor`, `cove up`, `cove demo` and `AgentBay()` do what they say."""

import json
from collections.abc import Iterator

import pytest

from .ordinary import OrdinaryUser

HELLO = """
from cove import AgentBay
with AgentBay().open() as session:
    print(session.command.run("id -un").unwrap(), end="")
"""


@pytest.fixture
def user(ordinary: OrdinaryUser) -> Iterator[OrdinaryUser]:
    """The user, who has no Cove running before or after."""
    yield ordinary
    ordinary.run(ordinary.python, "-m", "cove", "stop")


def test_first_line_of_a_program_gives_a_session(user: OrdinaryUser) -> None:
    done = user.run(user.python, "-c", HELLO, seconds=200)
    assert (done.returncode, done.stdout) == (0, "wuying\n"), done.stderr
    socket = user.home / ".local/share/cove/run/cove.sock"
    assert socket.is_socket()
    assert socket.stat().st_uid == user.uid


@pytest.mark.timeout(480)  # half a minute where nobody else is at work
def test_demo_is_true_to_its_last_line(user: OrdinaryUser) -> None:
    done = user.run(user.python, "-m", "cove", "demo", seconds=240)
    assert done.returncode == 0, done.stdout + done.stderr


def test_doctor_finds_the_user_able_and_lists_every_difference(user: OrdinaryUser) -> None:
    done = user.run(user.python, "-m", "cove", "doctor", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["able"]) == (0, True), told
    assert [one["name"] for one in told["findings"] if not one["ok"]] == ["control group"]
    assert {one["id"] for one in told["differences"]} == {
        "shared-ids",
        "host-packages",
        "disk",
        "pause",
        "memory",
        "cpu",
    }
    assert all(one["unlock"] for one in told["differences"])


def test_doctor_shows_a_person_what_to_do(user: OrdinaryUser) -> None:
    shown = user.run(user.python, "-m", "cove", "doctor").stdout
    assert "This machine can run `cove up`." in shown
    assert "unlock it: systemd-run --user --scope -p Delegate=yes cove up" in shown


def test_missing_range_is_found_by_doctor_with_its_command(user: OrdinaryUser) -> None:
    user.take_back()
    try:
        told = json.loads(user.run(user.python, "-m", "cove", "doctor", "--json").stdout)
    finally:
        user.lend()
    (missing,) = (one for one in told["findings"] if one["name"] == "user ids")
    assert (missing["ok"], missing["required"], told["able"]) == (False, False, True)
    assert missing["unlock"].startswith("sudo usermod --add-subuids ")
    assert missing["unlock"].endswith(user.name)
