"""A session's WebSocket: what is pushed to whoever watches files, what is refused, and what a lost client finds."""

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from tests.compat.link.conftest import Idler, Make
from tests.link_sockets import PATIENCE, SERVER, SocketClient
from tests.waiting import until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import unix_connect

from cove.testing import Cove

pytestmark = pytest.mark.claim("session-token")
FORGED = "s" + 48 * "0"
_numbers = itertools.count()


@pytest.fixture
def connect(cove: Cove, session: dict[str, Any]) -> Iterator[Callable[..., SocketClient]]:
    """Connects to a session's WebSocket."""
    with contextlib.ExitStack() as stack:

        def open_one(token: str | None = None, url: str = "") -> SocketClient:
            headers = {"X-Access-Token": session["Token"] if token is None else token}
            url = url or session["WsUrl"]
            opening = unix_connect(str(cove.socket), url, additional_headers=headers, open_timeout=PATIENCE)
            return SocketClient(stack.enter_context(opening))

        yield open_one


@pytest.fixture
def call(wire: httpx2.Client, session: dict[str, Any]) -> Callable[..., Any]:
    """Calls a tool, and gives the text."""

    def post(tool: str, **arguments: Any) -> Any:
        body = {"tool": tool, "args": arguments, "token": session["Token"]}
        result = wire.post(f"{session['LinkUrl']}/callTool", json=body).raise_for_status().json()["data"]["result"]
        assert not result["isError"], result
        return result["content"][0]["text"]

    return post


Connect = Callable[..., SocketClient]
Call = Callable[..., Any]


def _new(path: str) -> list[tuple[str, str]]:
    return [("create", path), ("modify", path)]


def _make(call: Call, path: str) -> None:
    """A new file that is there at once with its content: one that is written in place may be told in several steps."""
    call("write_file", path="/tmp/made", content="1")
    call("move_file", source="/tmp/made", destination=path)


def test_changes_are_pushed_to_whoever_watches(connect: Connect, call: Call) -> None:
    call("create_directory", path="/tmp/w")
    client = connect()
    assert client.watch("/tmp/w") == {"phase": "end"}
    _make(call, "/tmp/w/a")
    assert client.told(2) == _new("/tmp/w/a")
    call("delete_file", path="/tmp/w/a")
    assert client.told(1) == [("delete", "/tmp/w/a")]


def test_what_came_before_the_watch_is_told_once_to_a_client_that_asks_before_and_after(
    connect: Connect, call: Call
) -> None:
    call("create_directory", path="/tmp/w")
    assert call("get_file_change", path="/tmp/w") == "[]"
    _make(call, "/tmp/w/between")
    client = connect()
    client.watch("/tmp/w")
    assert call("get_file_change", path="/tmp/w") == "[]"
    assert client.told(2) == _new("/tmp/w/between")


def test_each_path_is_told_as_it_was_asked_for(connect: Connect, call: Call) -> None:
    call("create_directory", path="w/x")
    client = connect()
    client.watch("w/../w/x")
    call("write_file", path="w/x/a", content="1")
    push = client.next()
    assert push["data"]["path"] == "w/../w/x"
    created = {"eventType": "create", "path": "/home/wuying/w/../w/x/a", "pathType": "file"}
    assert push["data"]["events"][0] == created


def test_a_watch_that_was_ended_is_silent(connect: Connect, call: Call) -> None:
    client = connect()
    call("create_directory", path="/tmp/w")
    call("create_directory", path="/tmp/other")
    client.watch("/tmp/w")
    client.watch("/tmp/w")
    client.watch("/tmp/other")
    client.ask("unsubscribe_file_change", path="/tmp/w")
    _make(call, "/tmp/w/a")
    assert client.told(2) == _new("/tmp/w/a")  # one of the two watches still
    ended = client.ask("unsubscribe_file_change", path="/tmp/w")
    assert ended["source"] == "WEBSOCKET_SERVER"  # which reaches nobody's callbacks
    _make(call, "/tmp/w/b")
    _make(call, "/tmp/other/c")
    assert client.told(2) == _new("/tmp/other/c")


def test_lost_connections_watches_go_on_on_the_next_one(connect: Connect, call: Call) -> None:
    call("create_directory", path="/tmp/w")
    client = connect()
    client.watch("/tmp/w")
    client.vanish()
    _make(call, "/tmp/w/missed")
    again = connect()
    assert again.told(2) == _new("/tmp/w/missed")
    _make(call, "/tmp/w/later")
    assert again.told(2) == _new("/tmp/w/later")


def test_lost_connections_watches_go_on_on_one_that_was_made_before_it_was_known_to_be_lost(
    connect: Connect, call: Call
) -> None:
    call("create_directory", path="/tmp/w")
    client, again, third = connect(), connect(), connect()
    client.watch("/tmp/w")
    third.watch("/tmp/w")
    client.vanish()
    client.end()
    _make(call, "/tmp/w/a")
    assert again.told(2) == third.told(2) == _new("/tmp/w/a")


def test_what_two_lost_connections_watched_is_told_once_on_the_next_one(connect: Connect, call: Call) -> None:
    call("create_directory", path="/tmp/w")
    lost = connect(), connect()
    for client in lost:
        client.watch("/tmp/w")
    for client in lost:
        client.vanish()
        client.end()
    again = connect()
    _make(call, "/tmp/w/a")
    assert again.told(2) == _new("/tmp/w/a")
    again.ask("unsubscribe_file_change", path="/tmp/w")
    _make(call, "/tmp/w/b")
    assert again.watch("/tmp/w") == {"phase": "end"}
    assert again.pushed == []


def test_each_of_two_clients_that_were_lost_together_is_told_on(connect: Connect, call: Call) -> None:
    places = "/tmp/v", "/tmp/w"
    lost = connect(), connect()
    for path, client in zip(places, lost, strict=True):
        call("create_directory", path=path)
        client.watch(path)
    for client in lost:
        client.vanish()
        client.end()
    again = connect(), connect()
    for path in places:
        for client in again:
            _await_watch(client, call, path)
    third = connect()
    for path in places:
        _make(call, f"{path}/new")
        for client in again:
            client.await_told(f"{path}/new")
    assert "no method" in third.ask("nothing")["error"]
    assert third.pushed == []


def _await_watch(client: SocketClient, call: Call, path: str) -> None:
    """Wait until the client is told what changes below a path."""

    def is_told() -> bool:
        probe = f"{path}/probe-{next(_numbers)}"
        _make(call, probe)
        with contextlib.suppress(TimeoutError):
            client.await_told(probe, 0.5)
            return True
        return False

    until(is_told, "it is told")


def test_connection_that_was_closed_leaves_no_watch(connect: Connect, call: Call) -> None:
    call("create_directory", path="/tmp/w")
    client = connect()
    client.watch("/tmp/w")
    client.connection.close()
    _make(call, "/tmp/w/a")
    again = connect()
    assert "no method" in again.ask("nothing")["error"]
    assert again.pushed == []


def test_long_names_are_pushed_in_messages_that_clients_take(connect: Connect, call: Call) -> None:
    call("create_directory", path="w")
    client = connect()
    client.watch("w")
    deep = "n=$(printf '\\001%.0s' {1..200}); cd w; for i in {1..14}; do mkdir $n; cd $n; done"
    call("shell", command=f"{deep}; touch {{1..60}}")
    told: set[str] = set()
    while len(told) < 14 + 60:  # this client, too, refuses a message over 1 MiB
        told |= {path for _, path in client.told(1)}


@pytest.mark.parametrize(
    ("method", "target", "capability"),
    [
        ("run_code", "wuying_codespace", "code"),
        ("pty.create", "PTY_SERVER", "terminals"),
        ("exec_task", "wuying_mobile_agent", "agents"),
        ("", "wuying_cdp_mcp_server", "browser"),
    ],
)
def test_what_is_not_built_is_refused_by_its_capability(
    connect: Connect, method: str, target: str, capability: str
) -> None:
    answer = connect().ask(method, target)
    assert answer["data"]["phase"] == "error"
    assert f"the capability {capability!r}" in answer["error"]
    assert answer["data"]["error"] == answer["error"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"path": "/no/such"}, "NoSuchFile"),
        ({"path": ""}, "InvalidPath"),
        ({"path": 5}, "InvalidInput"),
        ({}, "InvalidInput"),
        ({"path": "a\0b"}, "InvalidPath"),
    ],
)
def test_watch_of_what_cannot_be_watched_is_refused(connect: Connect, params: dict[str, Any], code: str) -> None:
    client = connect()
    answer = client.ask("subscribe_file_change", **params)
    assert (answer["data"]["phase"], answer["data"]["code"]) == ("error", code)
    assert client.watch("/tmp") == {"phase": "end"}


@pytest.mark.parametrize(
    "message",
    [
        "",
        "x",
        "[]",
        "null",
        "5",
        "{}",
        '{"invocationId": 5}',
        '{"invocationId": "", "target": "x", "data": {}}',
        '{"invocationId": "i", "target": "", "data": {}}',
        '{"invocationId": "i", "target": 5, "data": {}}',
        f'{{"invocationId": "{"i" * 300}", "target": "x"}}',
        "[" * 100_000,
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
        b"\xff\xfe",
        b"\0" * 1000,
    ],
)
def test_garbage_is_refused_and_harms_nobody(connect: Connect, message: str | bytes) -> None:
    client = connect()
    client.connection.send(message)
    assert client.next()["data"]["code"] == "InvalidInput"
    assert client.watch("/tmp") == {"phase": "end"}


@pytest.mark.parametrize(
    "data",
    [None, 5, "x", [], {}, {"method": 5}, {"method": "fly"}, {"method": None, "params": []}, {"method": 9999 * "x"}],
)
def test_messages_that_ask_for_nothing_known_are_answered(connect: Connect, data: Any) -> None:
    client = connect()
    client.connection.send(json.dumps({"invocationId": "i", "source": "SDK", "target": "x", "data": data}))
    answer = client.next()
    assert (answer["invocationId"], answer["data"]["code"]) == ("i", "NotFound")


def test_data_as_json_text_is_read_too(connect: Connect) -> None:
    client = connect()
    data = json.dumps({"method": "subscribe_file_change", "params": {"path": "/tmp"}})
    client.connection.send(json.dumps({"invocationId": "i", "target": SERVER, "data": data}))
    assert client.next()["data"] == {"phase": "end"}


def test_heartbeats_are_ignored(connect: Connect) -> None:
    client = connect()
    for _ in range(40):
        client.connection.send('{"type": "ping"}')
    assert client.watch("/tmp") == {"phase": "end"}


def test_whoever_sends_nothing_but_garbage_is_hung_up_on(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    client = connect()
    for _ in range(40):
        with contextlib.suppress(ConnectionClosed):
            client.connection.send("garbage s3cret")
    assert client.end() == 1008
    lines = [record.getMessage() for record in caplog.records if "unreadable" in record.getMessage()]
    assert len(lines) == 16
    assert "s3cret" not in caplog.text
    assert "Traceback" not in caplog.text


def test_message_that_is_too_long_ends_the_connection(connect: Connect) -> None:
    client = connect()
    with contextlib.suppress(ConnectionClosed):
        client.connection.send("x" * (2 * 1024 * 1024))
    assert client.end() in (1009, 1006)  # what it still sends may hide why it was ended
    assert connect().watch("/tmp") == {"phase": "end"}


@pytest.mark.parametrize("token", [FORGED, "", "x", "l" + 48 * "0"])
def test_forged_token_opens_no_socket(connect: Connect, token: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with pytest.raises(InvalidStatus) as refused:
        connect(token)
    assert refused.value.response.status_code == 403
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert (len(lines), "LinkRefused" in lines[0], FORGED in caplog.text) == (1, True, False)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")]


def test_token_opens_no_other_sessions_socket(connect: Connect, make: Make) -> None:
    other = make()
    with pytest.raises(InvalidStatus, match="403"):
        connect(url=other["WsUrl"])
    assert connect(other["Token"], other["WsUrl"]).watch("/tmp") == {"phase": "end"}


def test_session_that_has_ended_opens_no_socket_and_closes_those_it_has(
    wire: httpx2.Client, key: str, session: dict[str, Any], connect: Connect
) -> None:
    silent, watching = connect(), connect()
    watching.watch("/tmp")
    shown = {"Authorization": f"Bearer {key}"}
    wire.delete(f"/v1/sessions/{session['SessionId']}", headers=shown).raise_for_status()
    assert silent.end() == 1008
    assert watching.end() in (1008, 1012)
    with pytest.raises(InvalidStatus, match="404"):
        connect()


def test_token_that_was_taken_back_closes_its_sockets(
    wire: httpx2.Client, key: str, session: dict[str, Any], connect: Connect
) -> None:
    client = connect()
    client.watch("/tmp")
    shown = {"Authorization": f"Bearer {key}"}
    wire.delete(f"/v1/sessions/{session['SessionId']}/links", headers=shown).raise_for_status()
    assert client.end() == 1008
    with pytest.raises(InvalidStatus, match="403"):
        connect()


def test_sessions_watches_and_sockets_are_bounded_and_given_back(connect: Connect, call: Call) -> None:
    call("shell", command="mkdir -p {1..20}")
    clients = [connect() for _ in range(64)]
    with pytest.raises(InvalidStatus, match="503"):
        connect()
    for number in range(1, 17):
        assert clients[0].watch(f"{number}") == {"phase": "end"}
    assert clients[0].watch("17")["code"] == "TooManyWatches"
    clients[0].connection.close()
    until(lambda: clients[1].watch("17") == {"phase": "end"}, "a watch could be had again")


def test_watch_is_a_use_and_wakes_what_idleness_paused(cove: Cove, idler: Idler, connect: Connect) -> None:
    client = connect(idler.told["token"], idler.told["wsUrl"])
    cove.pass_time(601)
    assert idler.state() == "PAUSED"
    assert client.watch("/tmp") == {"phase": "end"}
    assert idler.state() == "RUNNING"
    cove.pass_time(6000)
    assert idler.state() == "RUNNING"
    client.ask("unsubscribe_file_change", path="/tmp")

    def sleeps() -> bool:
        cove.pass_time(601)
        return idler.state() == "PAUSED"

    until(sleeps, "it was idle again")
    idler.move("resume")
    idler.move("pause")
    assert client.watch("/tmp")["code"] == "SessionPaused"
