"""What a client of a session's WebSocket is told of goes on when the server dies, and the client comes again."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

from tests.link_sockets import PATIENCE, SocketClient
from tests.waiting import until
from tests.world import command_of
from websockets.sync.client import unix_connect

from .running import Cove

PLACE = "/home/wuying/w"
MAKER = f"""
trap "n=\\$((n+1)); echo 1 >~/staged; mv ~/staged {PLACE}/\\$n" USR1
echo >/tmp/begun
while :; do sleep 0.05; done
"""


@contextlib.contextmanager
def connected(cove: Cove, session: str) -> Iterator[SocketClient]:
    """A connection to the session's WebSocket."""
    key = cove.ask("POST", "/keys", {"tenant": "local"})["secret"]
    with cove.http() as http:
        found = http.post("/mcp/getSession", json={"sessionId": session}, headers={"Authorization": f"Bearer {key}"})
    told = found.raise_for_status().json()["data"]
    shown = {"X-Access-Token": told["token"]}
    with unix_connect(cove.socket, told["wsUrl"], additional_headers=shown, open_timeout=PATIENCE) as connection:
        yield SocketClient(connection)


def start_maker(cove: Cove, session: str) -> Callable[[], None]:
    """Make a directory in the session; what is returned makes the next file in it, also while no server is there."""
    cove.shell(session, f"mkdir -p {PLACE}; (exec -a maker bash -c '{MAKER}') >/dev/null 2>&1 &")
    until(lambda: cove.look(session, "/tmp/begun"), "the maker has begun")

    def only() -> list[int]:
        """Its process; there are two while it begins another program."""
        found = [pid for pid in cove.world.processes() if command_of(pid)[:1] == ["maker"]]
        return found if len(found) == 1 else []

    (pid,) = until(only, "the maker is seen")
    return lambda: os.kill(pid, signal.SIGUSR1)


def new(name: str) -> list[tuple[str, str]]:
    return [("create", f"{PLACE}/{name}"), ("modify", f"{PLACE}/{name}")]


def kept(cove: Cove) -> int:
    """How many connections' subscriptions the store has."""
    return len(cove.table("subscriptions"))


def test_what_a_client_watches_it_is_told_of_by_the_next_server(cove: Cove) -> None:
    cove.start()
    session = cove.create()
    make = start_maker(cove, session)
    with connected(cove, session) as client:
        assert client.watch(PLACE) == {"phase": "end"}
        cove.kill()
    make()
    until(lambda: cove.look(session, f"{PLACE}/1"), "a file was made without a server")
    cove.start()
    with connected(cove, session) as client:
        assert client.told(2) == new("1")
        cove.stop()
    make()
    cove.start()
    with connected(cove, session) as client:
        assert client.told(2) == new("2")
        make()
        assert client.told(2) == new("3")
    until(lambda: kept(cove) == 0, "who hangs up has nothing kept")
    cove.end_all()


def test_what_a_client_watches_no_more_the_next_server_does_not_tell(cove: Cove) -> None:
    cove.start()
    session, ended = cove.create(), cove.create()
    make = start_maker(cove, session)
    for each in (session, ended):
        cove.shell(each, "mkdir /tmp/other")
    with connected(cove, session) as client, connected(cove, ended) as other:
        other.watch("/tmp/other")
        client.watch("/tmp/other")
        client.watch(PLACE)
        client.ask("unsubscribe_file_change", path="/tmp/other")
        cove.kill()
    cove.start()
    cove.ask("DELETE", f"/sessions/{ended}")
    assert kept(cove) == 2
    cove.kill()
    cove.start()
    assert kept(cove) == 1  # of a session that has ended nothing is
    with connected(cove, session) as client:
        cove.shell(session, "touch /tmp/other/a")
        make()
        assert client.told(2) == new("1")
        assert client.pushed == []
    cove.end_all()
