"""`serve` as a process: one to a data directory, quiet ends, sockets of the dead, and the first key."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.environment import clean_environment

from cove import AgentBay, Session
from cove.app.data import DataDir
from cove.core.errors import KeyInvalid, ServerUnreachable

SERVER = Path(__file__).with_name("up_for_tests.py")
Start = Callable[..., "Server"]


class Server:
    """A server process on a data directory."""

    def __init__(self, data: Path, **more: str) -> None:
        environ = clean_environment()
        self.data = data
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER), str(data)],
            env=environ | more,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def told(self) -> dict[str, Any]:
        """What it told when it answered; fails if it did not."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate(timeout=60)[1]
        return dict(msgspec.json.decode(line))

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Signal it; its exit code and what it said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        said = self.process.communicate(timeout=60)[1]
        return self.process.returncode, said

    def client(self, **arguments: Any) -> AgentBay:
        """A client over the socket."""
        return AgentBay(endpoint=f"unix://{self.data}/run/cove.sock", **arguments)


@pytest.fixture
def start(short_path: Path) -> Iterator[Start]:
    """Start servers on one data directory; all are ended."""
    started: list[Server] = []

    def begin(**more: str) -> Server:
        started.append(Server(short_path / "data", **more))
        return started[-1]

    yield begin
    for server in started:
        server.end(signal.SIGKILL)


def test_a_second_starter_is_told_the_first_ones_process(start: Start) -> None:
    pid = start().told()["pid"]
    code, said = start().end(0)
    assert code != 0
    assert f"process {pid} already serves" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_an_ordinary_end_that_takes_the_socket_along(start: Start, number: int) -> None:
    server = start()
    server.told()
    assert server.end(number) == (0, "")
    assert not DataDir(server.data).socket.exists()
    with pytest.raises(ServerUnreachable):
        server.client().server.health()


def test_after_sigkill_the_next_server_takes_socket_and_sessions_over(start: Start) -> None:
    first = start()
    first.told()
    session_id = first.client().create().unwrap().session_id
    first.end(signal.SIGKILL)
    assert DataDir(first.data).socket.is_socket()
    second = start()
    second.told()
    assert second.client().get(session_id).unwrap().get_status().unwrap() == "RUNNING"


def test_the_first_key_is_shown_once_and_works_over_tcp(start: Start) -> None:
    first = start()
    told = first.told()
    assert AgentBay(api_key=told["first_key"], endpoint=told["url"]).list().success
    first.end()
    assert start().told()["first_key"] is None


def test_a_given_key_is_the_first_and_is_not_shown(start: Start) -> None:
    key = "a-key-of-our-own-choice"
    told = start(COVE_API_KEY=key).told()
    assert told["first_key"] is None
    assert AgentBay(api_key=key, endpoint=told["url"]).list().success


def test_tcp_without_a_key_is_refused_whatever_it_claims(start: Start) -> None:
    import httpx2

    url = start().told()["url"]
    assert isinstance(AgentBay(endpoint=url).list().cause, KeyInvalid)
    claims = {"X-Forwarded-For": "uid:0", "Forwarded": "for=uid:0", "X-Real-IP": "uid:0"}
    assert httpx2.get(f"{url}/v1/sessions", headers=claims, trust_env=False).status_code == 401


def test_the_keys_do_not_stand_in_the_log(start: Start) -> None:
    server = start()
    key = server.told()["first_key"]
    AgentBay(api_key="cove_wrong-key-of-somebody", endpoint=f"unix://{server.data}/run/cove.sock").list()
    server.end()
    log = DataDir(server.data).log
    assert log.stat().st_mode & 0o777 == 0o600
    assert key not in log.read_text()
    assert "wrong-key" not in log.read_text()


def test_a_call_in_flight_does_not_keep_the_server_from_ending(start: Start, tmp_path: Path) -> None:
    server = start()
    server.told()
    session_id = server.client().create().unwrap().session_id
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = f"echo $$ > {fifo}; exec sleep 600"
    caller = subprocess.Popen(
        [sys.executable, "-m", "cove", "session", "exec", "--timeout", "600", session_id, script],
        env={**clean_environment(), "COVE_ENDPOINT": f"unix://{server.data}/run/cove.sock"},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    running = int(fifo.read_text())
    assert server.end()[0] == 0
    assert "no Cove answers" in caller.communicate(timeout=60)[1]
    os.kill(running, signal.SIGKILL)  # it was not ended with the server


def test_a_database_that_is_none_is_a_sentence(start: Start, short_path: Path) -> None:
    (short_path / "data").mkdir(mode=0o711)
    (short_path / "data" / "cove.db").write_text("this is no database, but a text of some length" * 100)
    code, said = start().end(0)
    assert code != 0
    assert "the server could not start" in said or "database" in said


def test_session_handles_outlive_a_restart_of_the_server(start: Start) -> None:
    first = start()
    first.told()
    bay = first.client()
    session = Session(bay, bay.create().unwrap().session_id)
    first.end()
    start().told()
    assert session.command.execute_command("echo again").unwrap() == "again\n"


def test_other_users_see_nothing_of_a_data_directory(start: Start) -> None:
    server = start()
    server.told()
    assert server.data.stat().st_mode & 0o077 == 0
    server.end()
    server.data.chmod(0o755)
    start().told()
    visible = {path.name for path in server.data.iterdir() if path.is_file() and path.stat().st_mode & 0o077}
    assert visible <= {"reserve", "link_port"}
