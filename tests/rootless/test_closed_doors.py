"""Where the kernel gives an ordinary user less, or nothing, that is used, and the rest is told in one sentence."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.world import children, command_of

from .ordinary import OrdinaryUser
from .serving import OrdinaryServer

WITHIN = Path(__file__).with_name("within.py")


class Within(OrdinaryServer):
    """A server in a user namespace that knows the user alone, and may make so many more."""

    most = 1000

    def spawn(self, *command: str) -> None:
        """Start it there."""
        super().spawn(self.user.python, str(self.user.copy(WITHIN)), str(self.most), *command)

    def delete_sessions(self) -> None:
        """There is none that its own test has not deleted, and nobody here may ask."""


@pytest.fixture
def closed(ordinary: OrdinaryUser) -> list[str]:
    """How to run Cove where no user namespace can be made."""
    return [ordinary.python, str(ordinary.copy(WITHIN)), "0", ordinary.python, "-m", "cove"]


def test_doctor_gives_the_command_that_opens_user_namespaces(ordinary: OrdinaryUser, closed: list[str]) -> None:
    done = ordinary.run(*closed, "doctor", "--json")
    told = json.loads(done.stdout)
    (missing,) = (one for one in told["findings"] if one["name"] == "user namespaces")
    assert (done.returncode, told["able"], missing["ok"], missing["required"]) == (1, False, False, True)
    assert missing["unlock"] == "sudo sysctl -w user.max_user_namespaces=15000"


def test_up_ends_with_one_sentence_where_there_is_no_user_namespace(ordinary: OrdinaryUser, closed: list[str]) -> None:
    done = ordinary.run(*closed, "up", "--port", "0", "--data", str(ordinary.home / "closed"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert "make the launcher's user namespace" in done.stderr
    assert "`cove doctor` tells what this host lacks" in done.stderr


MASK = """
mount -t tmpfs none /proc/irq && id=$0 group=$1 && shift
exec setpriv --reuid $id --regid $group --clear-groups "$@"
"""


def test_masked_proc_as_in_a_container_is_found(ordinary: OrdinaryUser) -> None:
    words = (str(ordinary.uid), str(ordinary.gid), ordinary.python, "-m", "cove", "doctor", "--json")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", MASK, *words],
        env={"HOME": str(ordinary.home), "PATH": "/usr/bin:/bin"},
        cwd=ordinary.home,
        capture_output=True,
        timeout=60,
        check=False,
    )
    (missing,) = (one for one in json.loads(done.stdout)["findings"] if not one["ok"] and one["required"])
    assert (missing["name"], missing["found"]) == ("processes", "/proc cannot be mounted in a namespace")
    assert missing["unlock"]


@contextmanager
def served(server: OrdinaryServer) -> Iterator[OrdinaryServer]:
    """It, up."""
    try:
        server.up()
        yield server
    finally:
        server.close()


ASK = """
import json, sys
from cove import AgentBay
with AgentBay(endpoint=sys.argv[1]) as bay, bay.open() as inside:
    refused = inside.command.run("id", user="root")
    notes = bay.server.capabilities().isolation.notes
    assert inside.info().data.view.isolation == notes
    print(json.dumps([inside.command.run("id -un").unwrap(), refused.code, notes[0]]))
"""


def test_ids_that_cannot_be_put_into_force_are_done_without(ordinary: OrdinaryUser) -> None:
    """Asked by the user: there, nobody else is known, not even root."""
    with served(Within(ordinary)) as server:
        done = ordinary.run(ordinary.python, "-c", ASK, f"unix://{server.socket}")
        assert done.returncode == 0, done.stderr
        name, refusal, note = json.loads(done.stdout)
        assert (name, refusal) == ("wuying\n", "NotSupported")
        assert note.startswith("newuidmap refused: ")


def test_killed_launcher_is_made_anew_for_the_next_session_and_the_next_end(ordinary: OrdinaryUser) -> None:
    with served(OrdinaryServer(ordinary)) as server, server.client() as bay:
        first = bay.create().unwrap()
        (launcher,) = [pid for pid in children(server.process.pid) if "cove.node.launcher.process" in command_of(pid)]
        os.kill(launcher, signal.SIGKILL)
        made = bay.create()
        second = made.unwrap() if made.success else bay.create().unwrap()
        for session in (first, second):
            assert session.command.run("echo here").unwrap() == "here\n"
            session.delete().unwrap()


def test_data_directory_with_a_path_too_long_for_its_socket_is_told(ordinary: OrdinaryUser) -> None:
    place = ordinary.home / ("d" * 90)
    done = ordinary.run(ordinary.python, "-m", "cove", "up", "--data", str(place))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "the kernel takes 107" in done.stderr
