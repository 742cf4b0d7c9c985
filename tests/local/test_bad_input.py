"""What can be wrong with a data directory, a socket or a start: each is told in one sentence, and nothing is left."""

import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.waiting import until

from cove.app.data import DataDir

from .conftest import SECONDS, Home

PID = "from cove import AgentBay; print(AgentBay().server.health().pid)"
TELLS = "did not start: "


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that takes a socket, a lock and not much more."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0700", "tmpfs", tmp_path], check=True)
    yield tmp_path
    until(lambda: _is_unmounted(tmp_path), "nobody uses it any more")


def _is_unmounted(place: Path) -> bool:
    """Not as long as a server that has told why it does not start has not ended."""
    return subprocess.run(["umount", place], check=False).returncode == 0


def test_a_stale_socket_is_replaced(home: Home) -> None:
    home.data.prepare()
    socket.socket(socket.AF_UNIX).bind(str(home.data.socket))
    assert home.run(PID) == str(home.health().pid)


def test_a_file_in_the_place_of_the_socket_is_replaced(home: Home) -> None:
    home.data.prepare()
    home.data.socket.write_text("no socket")
    assert home.run(PID) == str(home.health().pid)


def test_a_lock_of_a_dead_server_is_none(home: Home) -> None:
    home.data.prepare()
    home.data.lock.write_text(str(os.getpid()))
    assert home.run(PID) == str(home.health().pid)


def test_a_data_directory_of_a_later_version_is_refused_and_stays_as_it_is(home: Home) -> None:
    home.run(PID)
    home.cove("stop")
    with sqlite3.connect(home.data.database) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    assert "was written by a later version of Cove (schema 9999" in home.fail(PID)
    assert home.data.holder() is None
    assert "install that version again" in home.cove("up").stderr
    with sqlite3.connect(home.data.database) as database:
        assert database.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
        database.execute("DELETE FROM alembic_version")  # so that the fixture may look
    database.close()
    for path in home.data.root.glob("cove.db*"):
        path.unlink()


def test_a_read_only_data_directory_is_named(home: Home, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    told = home.fail(PID, COVE_DATA=str(small_disk / "data"))
    assert "Read-only file system" in told
    assert "choose another with --data" in told
    assert str(small_disk) in home.cove("up", COVE_DATA=str(small_disk / "data")).stderr


def test_a_data_directory_that_has_become_read_only_is_named(home: Home, small_disk: Path) -> None:
    DataDir(small_disk / "data").prepare()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert "Read-only file system" in home.fail(PID, COVE_DATA=str(small_disk / "data"))


def test_a_full_data_directory_is_named_and_what_helps(home: Home, small_disk: Path) -> None:
    with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as filler:
        while filler.write(b"x" * 4096):
            pass
    told = home.fail(PID, COVE_DATA=str(small_disk / "data"), COVE_RESERVE_MIB="0")
    assert "No space left on device" in told
    assert "free some space there" in told


def test_a_data_directory_that_fills_up_while_a_cove_starts_is_told(home: Home, small_disk: Path) -> None:
    told = home.fail(PID, COVE_DATA=str(small_disk / "data"), COVE_RESERVE_MIB="0")
    assert TELLS in told
    assert "full" in told or "No space left" in told


def test_a_server_that_is_killed_while_it_starts_is_told_with_its_log(home: Home) -> None:
    home.data.prepare()
    home.data.log.write_text("the last thing it said\n")
    pipe = home.stand_still()
    starter = home.begin(PID)
    os.kill(until(home.data.holder, "it has begun", SECONDS), signal.SIGKILL)
    _, errors = starter.communicate(timeout=100)
    pipe.unlink()
    assert "ended by signal 9 before it answered" in errors
    assert "the last thing it said" in errors


def test_a_setting_that_cannot_be_used_is_told_as_on_the_command_line(home: Home) -> None:
    assert "port = 'x' is not valid" in home.fail(PID, COVE_PORT="x")
    assert "port = 'x' is not valid" in home.cove("up", COVE_PORT="x").stderr


def test_a_data_directory_of_somebody_else_is_refused(home: Home) -> None:
    os.chown(home.data.root, 12345, 12345)
    assert "it must belong to the user who runs `cove up`" in home.fail(PID)
    os.chown(home.data.root, 0, 0)


def test_a_socket_of_somebody_else_is_not_talked_to(home: Home) -> None:
    home.data.prepare()
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(home.data.socket))
        door.listen()
        os.chown(home.data.socket, 12345, 12345)
        assert "the socket belongs to user 12345" in home.fail(PID)


def test_a_path_too_long_for_a_socket_is_refused_before_anything_starts(home: Home) -> None:
    assert "at most 107 bytes" in home.fail(PID, COVE_DATA="/tmp/" + "x" * 110)


def test_a_key_without_an_endpoint_means_the_local_cove_and_is_warned_of_once(home: Home) -> None:
    code = """
from cove import AgentBay
for _ in range(3):
    print(AgentBay(api_key="akm-a-key-of-a-cloud").list().success)
"""
    program = home.begin(code)
    said, warned = program.communicate(timeout=100)
    assert said == "True\n" * 3
    assert warned.count("an API key without an endpoint: using the local Cove") == 1
    assert "<string>:4" in warned  # the caller's line


def test_a_key_in_the_environment_is_not_made_the_local_coves(home: Home) -> None:
    assert home.run("from cove import AgentBay; print(len(AgentBay().server.list_keys()))", COVE_API_KEY="x") == "1"


def test_a_taken_port_does_not_keep_it_from_starting(home: Home) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        is_ours = _takes(taken, 7717)
        home.run(PID, COVE_PORT="")  # also where it is another's, who may give it back meanwhile
        assert not (is_ours and home.health().url.endswith(":7717"))


def _takes(door: socket.socket, port: int, seconds: float = 20.0) -> bool:
    """Whether this socket listens at the port, for which it waits while somebody else does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(OSError):
            door.bind(("127.0.0.1", port))
            door.listen()
            return True
        time.sleep(0.1)
    return False


def test_the_command_line_warns_of_such_a_key_in_one_line(home: Home) -> None:
    done = home.cove("session", "list", COVE_API_KEY="of-a-cloud-far-away")
    assert done.returncode == 0
    assert done.stderr.startswith("cove: an API key without an endpoint")
    assert done.stderr.count("\n") == 1
