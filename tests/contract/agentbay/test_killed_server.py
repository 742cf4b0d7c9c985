"""A server that is killed under a script: with the next one the script goes on, untold, and so does what it watches."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.clients import Client, for_each
from tests.contract.conftest import Place, serving
from tests.environment import claim_port
from tests.serving import IS_REAL
from tests.waiting import until

DIRECTORY = "/tmp/watched"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """A Cove that these tests may kill, whose next server is found at the same address."""
    if not IS_REAL:
        pytest.skip("a simulated sandbox ends with its server")
    with serving(COVE_PORT=str(claim_port())) as place:
        yield place


@for_each(since="0.22")
def test_script_and_what_it_watches_go_on(place: Place, client: Client, make: Any) -> None:
    session, process = make(), place.process(client)
    assert session.file_system.create_directory(DIRECTORY).success
    assert session.command.execute_command("(while sleep 0.05; do date >/tmp/alive; done) >/dev/null 2>&1 &").success
    seen, stop = process.make_list(), process.find("threading:Event")()
    thread = session.file_system.watch_directory(DIRECTORY, seen.extend, 0.2, stop)
    thread.start()
    assert thread.ready_event.wait(60)
    _await_told(session, seen, "before")
    place.server.kill()
    place.server.up()
    assert session.command.execute_command("rm -f /tmp/alive; until test -s /tmp/alive; do sleep 0.05; done").success
    _await_told(session, seen, "after")
    stop.set()
    until(lambda: not thread.is_alive(), "the watching has ended")
    assert session.delete().success


def _await_told(session: Any, seen: Any, name: str) -> None:
    """Make files until one is told of: the client says neither when its WebSocket is there, nor when it is again."""
    count = 0

    def is_told() -> bool:
        nonlocal count
        count += 1
        assert session.file_system.write_file(f"{DIRECTORY}/{name}-{count}", "x").success
        return any(name in event.path for event in seen.copy())

    until(is_told, f"{name} is told")
