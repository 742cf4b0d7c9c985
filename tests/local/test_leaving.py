"""A Cove in the background goes when nobody needs it, and not before."""

import shutil
from pathlib import Path

from tests.waiting import until

from cove import AgentBay
from cove.sdk._local import health_of

from .conftest import SECONDS, Home

ASK = "from cove import AgentBay; print(AgentBay().list().total_count)"
SESSION = "from cove import AgentBay; print(AgentBay().create().unwrap().session_id)"


def test_it_goes_when_it_has_no_session_and_nobody_asks(home: Home) -> None:
    home.run(ASK, COVE_LINGER="1")
    home.await_gone()
    assert not home.data.socket.exists()
    assert "leaving reason=no session, and no request for 1 s" in home.cove("logs", "-n", "1").stdout


def test_a_session_keeps_it_also_while_it_is_paused(home: Home, client: AgentBay) -> None:
    session_id = home.run(SESSION, COVE_LINGER="1")
    client.get(session_id).unwrap().pause().unwrap()
    uncounted = Home()
    try:  # another, started later, which nothing keeps
        uncounted.run(ASK, COVE_LINGER="2")
        uncounted.await_gone()
    finally:
        uncounted.close()
    assert client.get(session_id).unwrap().get_status().unwrap() == "PAUSED"
    client.get(session_id).unwrap().delete().unwrap()
    home.await_gone()


def test_probes_do_not_keep_it(home: Home) -> None:
    home.run(ASK, COVE_LINGER="1")
    until(lambda: health_of(str(home.data.socket)) is None, "it goes in spite of probes", SECONDS)


def test_one_that_goes_soon_still_serves_everybody(home: Home) -> None:
    code = """
import time
from cove import AgentBay
for number in range(3):
    time.sleep(0.9 + 0.1 * number)
    with AgentBay().open() as session:
        assert session.command.run(f"echo {number}").unwrap() == f"{number}\\n"
print("served")
"""
    assert home.run(code, COVE_LINGER="1") == "served"
    home.await_gone()


def test_one_in_the_foreground_stays(home: Home) -> None:
    home.server.environ["COVE_LINGER"] = "1"
    pid = home.server.up().pid
    other = Home()
    try:
        other.run(ASK, COVE_LINGER="2")
        other.await_gone()
    finally:
        other.close()
    assert home.health().pid == pid


def test_it_goes_when_its_data_directory_has_gone(home: Home) -> None:
    home.run(ASK)
    pid = home.data.holder()
    instance = home.server.world
    until(lambda: _is_removed(home.data.root), "its directory is gone")
    until(lambda: not _lives(pid), "it has gone", SECONDS)
    assert not [found for found in instance.groups().values() if found]


def _is_removed(place: Path) -> bool:
    """Not yet where the server has written something in between."""
    shutil.rmtree(place, ignore_errors=True)
    return not place.exists()


def _lives(pid: int | None) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return ") Z" not in file.read()
    except FileNotFoundError:
        return False
