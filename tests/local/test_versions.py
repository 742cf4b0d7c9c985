"""After an upgrade: a newer client replaces an older Cove that is idle and in the background, and nothing is lost."""

import signal

from tests.waiting import until

from cove import AgentBay, __version__

from .conftest import OLD_VERSION, SECONDS, Home

VERSION = "from cove import AgentBay; print(AgentBay().server.health().version)"
SESSION = """
from cove import AgentBay
session = AgentBay().create().unwrap()
session.command.run("(while :; do date >> clock; sleep 0.1; done) >/dev/null 2>&1 & echo $! > pid").unwrap()
print(session.session_id)
"""
BUSY = """
from cove import AgentBay
with AgentBay().open() as session:
    print(session.session_id, flush=True)
    print(session.command.run("until test -e go; do sleep 0.05; done; echo went", timeout_ms=90000).output)
"""


def test_an_older_idle_cove_is_replaced_and_its_sessions_live_on(home: Home, client: AgentBay, old_source: str) -> None:
    session_id = home.run(SESSION, PYTHONPATH=old_source)
    old = home.health()
    assert old.version == OLD_VERSION
    assert home.run(VERSION) == __version__
    assert home.health().pid != old.pid
    session = client.get(session_id).unwrap()
    assert session.command.run("kill -0 $(cat pid) && echo lives").output == "lives\n"


def test_five_newer_clients_at_once_make_one_new_cove(home: Home, old_source: str) -> None:
    home.run(VERSION, PYTHONPATH=old_source)
    code = "from cove import AgentBay; health = AgentBay().server.health(); print(health.version, health.pid)"
    said = {program.communicate(timeout=100)[0] for program in [home.begin(code) for _ in range(5)]}
    assert said == {f"{__version__} {home.health().pid}\n"}


def test_an_older_cove_that_is_busy_is_used_as_it_is(home: Home, client: AgentBay, old_source: str) -> None:
    busy = home.begin(BUSY, PYTHONPATH=old_source)
    assert busy.stdout is not None
    session_id = busy.stdout.readline().strip()
    until(lambda: home.health().is_busy, "the call is in flight", SECONDS)
    assert home.run(VERSION) == OLD_VERSION
    client.get(session_id).unwrap().file_system.write_file("go", "").unwrap()
    assert "went" in busy.communicate(timeout=100)[0]


def test_an_older_cove_in_the_foreground_is_left_to_whoever_started_it(home: Home, old_source: str) -> None:
    home.server.environ["PYTHONPATH"] = old_source
    pid = home.server.up().pid
    code = f"import logging; logging.basicConfig(); {VERSION}"
    program = home.begin(code)
    said, warned = program.communicate(timeout=100)
    assert said == f"{OLD_VERSION}\n"
    assert f"is of version {OLD_VERSION}, older than this client's" in warned
    assert home.health().pid == pid


def test_an_older_client_uses_a_newer_cove(home: Home, old_source: str) -> None:
    home.run(VERSION)
    pid = home.health().pid
    assert home.run(VERSION, PYTHONPATH=old_source) == __version__
    assert home.health().pid == pid


def test_a_cove_that_cannot_be_replaced_is_told(home: Home, old_source: str) -> None:
    """The old one ends, and the new one finds what keeps it from starting."""
    home.run(VERSION, PYTHONPATH=old_source)
    home.data.instance_file.write_text("damaged")
    assert "must hold eight hexadecimal digits" in home.fail(VERSION)
    home.data.instance_file.unlink()
    assert home.run(VERSION) == __version__


def test_one_that_is_killed_is_followed_by_another(home: Home) -> None:
    session_id = home.run(SESSION)
    until(lambda: home.health().pid, "it answers")
    pid = home.health().pid
    import os

    os.kill(pid, signal.SIGKILL)
    assert home.run(f"from cove import AgentBay; print(AgentBay().get({session_id!r}).success)") == "True"
