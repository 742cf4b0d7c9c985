"""What a server finds when it starts: half-done moves, its own sandboxes, strangers, and gaps."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from cove.testing import Cove, running_cove

Connect = Callable[[Cove], httpx2.Client]
KILLED = Path(__file__).with_name("killed.py")


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cove-", dir="/tmp") as path:
        yield Path(path)


@pytest.mark.parametrize(
    ("checkpoint", "state"),
    [
        ("create.row", "FAILED"),
        ("create.sandbox", "FAILED"),
        ("create.running", "RUNNING"),
        ("pause.row", "PAUSED"),
        ("pause.frozen", "PAUSED"),
        ("pause.done", "PAUSED"),
        ("resume.row", "RUNNING"),
        ("resume.thawed", "RUNNING"),
        ("resume.done", "RUNNING"),
        ("release.row", "FINISH"),
        ("delete.row", "FINISH"),
        ("delete.sandbox", "FINISH"),
        ("delete.done", "FINISH"),
    ],
)
def test_server_killed_between_two_steps_comes_to_a_clean_state(
    directory: Path, connect: Connect, checkpoint: str, state: str
) -> None:
    killed = subprocess.run([sys.executable, KILLED, directory, checkpoint], timeout=200, check=False)
    assert killed.returncode == -signal.SIGKILL
    (directory / "cove.sock").unlink()
    with running_cove(directory) as cove, connect(cove) as http:
        sessions = http.get("/v1/sessions", params={"status": state}).json()["sessions"]
        assert [session["state"] for session in sessions] == [state]
        living = {session["session_id"] for session in http.get("/v1/sessions").json()["sessions"]}
        assert cove.run(cove.driver.known()) == living


@pytest.mark.parametrize(
    ("checkpoint", "keys"),
    [
        ("key.created", [("local", "valid")]),  # the operator's own, at the very first start
        ("key.rotated", [("local", "valid"), ("blue", "expiring"), ("blue", "valid")]),
        ("key.revoked", [("local", "valid"), ("blue", "revoked"), ("blue", "valid")]),
    ],
)
def test_server_killed_after_a_change_of_keys_has_the_whole_change(
    directory: Path, connect: Connect, checkpoint: str, keys: list[tuple[str, str]]
) -> None:
    killed = subprocess.run([sys.executable, KILLED, directory, checkpoint], timeout=200, check=False)
    assert killed.returncode == -signal.SIGKILL
    (directory / "cove.sock").unlink(missing_ok=True)
    with running_cove(directory) as cove, connect(cove) as http:
        assert [(key["tenant"], _life(key)) for key in http.get("/v1/keys").json()["keys"]] == keys


def _life(key: dict[str, object]) -> str:
    if key["revoked_at"]:
        return "revoked"
    return "expiring" if key["expires_at"] else "valid"


def test_restarted_server_adopts_its_sessions_with_their_files(directory: Path, connect: Connect) -> None:
    with running_cove(directory) as cove, connect(cove) as http:
        session = http.post("/v1/sessions", json={"labels": {"a": "b"}}).json()["session_id"]
        tool = f"/v1/sessions/{session}/tools"
        http.post(f"{tool}/write_file", json={"arguments": {"path": "/tmp/kept", "content": "x"}}).raise_for_status()
    with running_cove(directory) as cove, connect(cove) as http:
        answer = http.post(f"{tool}/read_file", json={"arguments": {"path": "/tmp/kept"}, "text": True})
        assert answer.json()["text"] == "x"
        assert http.get(f"/v1/sessions/{session}/labels").json() == {"labels": {"a": "b"}}


def test_session_whose_sandbox_is_gone_ends_and_a_sandbox_without_a_session_goes(
    directory: Path, connect: Connect
) -> None:
    with running_cove(directory) as cove, connect(cove) as http:
        session = http.post("/v1/sessions", json={}).json()["session_id"]
    shutil.rmtree(directory / "sandboxes" / session)
    (directory / "sandboxes" / "s-stranger").mkdir()
    with running_cove(directory) as cove, connect(cove) as http:
        view = http.get(f"/v1/sessions/{session}").json()
        assert (view["state"], view["end_reason"]) == ("FINISH", "lost")
        assert not (directory / "sandboxes" / "s-stranger").exists()
