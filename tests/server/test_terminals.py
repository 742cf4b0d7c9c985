"""Terminals over the native API: the WebSocket, what it refuses, what counts as use, and how it ends."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx2
import msgspec
import pytest
from tests.looking import PATIENCE, Look
from websockets.exceptions import InvalidStatus

from cove.core.errors import SandboxFailed
from cove.testing import Cove, running_cove

from .conftest import client_of

Open = Callable[..., Look]


@pytest.fixture
def look(cove: Cove, session: str) -> Iterator[Open]:
    made: list[Look] = []

    def one(query: str = "", key: str = "") -> Look:
        made.append(Look(cove.endpoint, session, query, key or cove.api_key))
        return made[-1]

    yield one
    for each in made:
        each.socket.close()


@contextmanager
def refused() -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """The status and the error with which a handshake was answered."""
    found: list[tuple[int, dict[str, Any]]] = []
    with pytest.raises(InvalidStatus) as caught:
        yield found
    response = caught.value.response
    assert response.headers["X-Request-Id"].startswith("r-")
    found.append((response.status_code, msgspec.json.decode(response.body)["error"]))


def test_a_terminal_is_opened_used_and_its_exit_code_told(look: Open) -> None:
    one = look("cols=100&rows=30&envs=WHO=me&envs=A=b=c")
    assert one.id.startswith("t-")
    one.type("stty size; echo $WHO $A; exit 3\n")
    assert one.end() == {"type": "exited", "exit_code": 3}
    assert b"30 100\r\n" in one.shown
    assert b"me b=c\r\n" in one.shown
    assert one.socket.close_code == 1000


def test_it_is_resized_and_killed_by_messages(look: Open) -> None:
    one = look("command=trap 'stty size' WINCH; echo up; while sleep 0.05; do :; done".replace(" ", "%20"))
    one.until(b"up")
    one.say(type="resize", cols=132, rows=43)
    one.until(b"43 132")
    one.say(type="kill", signal="KILL")
    assert one.end() == {"type": "exited", "exit_code": -9}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("cols=0", 400, "InvalidInput"),
        ("rows=many", 400, "InvalidInput"),
        ("wings=2", 400, "InvalidInput"),
        ("user=eve", 400, "InvalidInput"),
        ("cwd=/no/such/place", 409, "TerminalRefused"),
        ("terminal_id=t-none", 404, "TerminalNotFound"),
    ],
)
def test_what_cannot_be_opened_is_an_http_answer(look: Open, query: str, status: int, code: str) -> None:
    with refused() as answers:
        look(query)
    assert (answers[0][0], answers[0][1]["code"]) == (status, code)


def test_a_stranger_and_an_unknown_session_are_refused(cove: Cove, look: Open, http: httpx2.Client) -> None:
    with refused() as answers:
        look(key="cove_no_such_key_at_all")
    with refused() as more:
        Look(cove.endpoint, "s-none", key=cove.api_key)
    tenant = http.post("/v1/keys", json={"tenant": "blue"}).json()["secret"]
    with refused() as others:
        look(key=tenant)
    assert [found[0][0] for found in (answers, more, others)] == [401, 404, 404]


def test_terminals_are_listed_and_ended(look: Open, http: httpx2.Client, session: str) -> None:
    one, other = look("cols=90"), look()
    listed = http.get(f"/v1/sessions/{session}/terminals").json()["terminals"]
    assert [(each["terminal_id"], each["cols"], each["attached"]) for each in listed] == [
        (one.id, 90, True), (other.id, 80, True),
    ]  # fmt: skip
    assert http.delete(f"/v1/sessions/{session}/terminals/{one.id}").status_code == 204
    assert one.end() == {"type": "exited", "exit_code": -9}
    assert http.delete(f"/v1/sessions/{session}/terminals/{one.id}").json()["error"]["code"] == "TerminalNotFound"
    other.type("exit\n")
    assert other.end()["exit_code"] == 0


def test_a_terminal_is_found_again_and_whoever_looked_before_is_told(look: Open) -> None:
    first = look("command=echo%20one;%20read%20x;%20echo%20got%20$x")
    first.until(b"one")
    second = look(f"terminal_id={first.id}")
    assert first.end() == {"type": "detached"}
    assert second.id == first.id
    second.type("it\n")
    assert second.end()["type"] == "exited"
    assert b"got it" in second.shown


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type":"fly"}', '{"type":"resize","cols":0,"rows":1}', "[" * 5000])
def test_a_message_that_is_none_ends_the_connection_and_not_the_terminal(look: Open, text: str) -> None:
    one = look()
    terminal = one.id
    one.socket.send(text)
    last = one.end()
    assert (last["type"], last["code"]) == ("failed", "InvalidInput")
    again = look(f"terminal_id={terminal}")
    again.type("exit 5\n")
    assert again.end()["exit_code"] == 5


def test_a_session_that_ends_says_so_to_whoever_looks(look: Open, http: httpx2.Client, session: str) -> None:
    one = look()
    assert one.id
    http.delete(f"/v1/sessions/{session}").raise_for_status()
    last = one.end()
    assert last["type"] in ("failed", "exited")
    with refused() as answers:
        look()
    assert answers[0][0] == 404


def test_bytes_count_as_use_and_looking_on_does_not(cove: Cove, http: httpx2.Client) -> None:
    session = http.post("/v1/sessions", json={"idle_timeout": 600}).json()["session_id"]
    with closing(Look(cove.endpoint, session, "command=read%20x;%20echo%20$x;%20sleep%20600", cove.api_key)) as one:
        assert one.id
        cove.pass_time(500)
        one.type("on\n")
        one.until(b"on\r\non\r\n")
        cove.pass_time(500)
        assert state(http, session) == "RUNNING"
        cove.pass_time(200)
        assert state(http, session) == "PAUSED"


def test_typing_wakes_a_session_that_idleness_paused(cove: Cove, http: httpx2.Client) -> None:
    session = http.post("/v1/sessions", json={"idle_timeout": 600}).json()["session_id"]
    with closing(Look(cove.endpoint, session, "command=read%20x;%20echo%20$x", cove.api_key)) as one:
        assert one.id
        cove.pass_time(1000)
        assert state(http, session) == "PAUSED"
        one.type("awake\n")
        one.until(b"awake\r\nawake")
        assert state(http, session) == "RUNNING"


def test_opening_one_wakes_too_but_not_a_session_paused_by_hand(cove: Cove, http: httpx2.Client) -> None:
    session = http.post("/v1/sessions", json={"idle_timeout": 600}).json()["session_id"]
    cove.pass_time(1000)
    with closing(Look(cove.endpoint, session, key=cove.api_key)) as one:
        assert one.id
    http.post(f"/v1/sessions/{session}/pause").raise_for_status()
    with refused() as answers:
        Look(cove.endpoint, session, key=cove.api_key)
    assert (answers[0][0], answers[0][1]["code"], answers[0][1]["retryable"]) == (409, "SessionPaused", True)
    assert http.get(f"/v1/sessions/{session}/terminals").status_code == 409


def test_who_types_into_a_session_paused_by_hand_is_told_once(look: Open, http: httpx2.Client, session: str) -> None:
    one = look()
    assert one.id
    http.post(f"/v1/sessions/{session}/pause").raise_for_status()
    one.type("echo ")
    one.told("paused")
    one.type("la''ter\n")
    http.post(f"/v1/sessions/{session}/resume").raise_for_status()
    one.until(b"later\r\n")
    one.type("exit\n")
    one.end()
    assert [said["type"] for said in one.said] == ["opened", "paused", "exited"]


def tenants_look(cove: Cove, http: httpx2.Client, **key: float) -> tuple[Look, str]:
    """A look at a terminal of a tenant's session, and the id of the tenant's key."""
    made = http.post("/v1/keys", json={"tenant": "blue", **key}).json()
    mine = {"Authorization": f"Bearer {made['secret']}"}
    session = http.post("/v1/sessions", json={}, headers=mine).json()["session_id"]
    return Look(cove.endpoint, session, "command=cat", made["secret"]), made["key"]["key_id"]


def test_a_revoked_key_shows_and_types_no_more(cove: Cove, http: httpx2.Client) -> None:
    one, key = tenants_look(cove, http)
    one.type("before\n")
    one.until(b"before\r\nbefore")
    http.delete(f"/v1/keys/{key}").raise_for_status()
    one.type("after\n")
    last = one.end()
    assert (last["type"], last["code"]) == ("failed", "KeyInvalid")
    assert b"after" not in one.shown


def test_an_expired_key_shows_and_types_no_more(cove: Cove, http: httpx2.Client) -> None:
    one, _ = tenants_look(cove, http, expires_in=100.0)
    assert one.id
    cove.pass_time(200)
    one.type("after\n")
    assert one.end()["code"] == "KeyInvalid"
    assert one.shown == b""


def test_more_open_terminals_than_may_be_take_no_request_its_place(http: httpx2.Client) -> None:
    with running_cove(most_requests=3) as small, client_of(small) as client:
        made = client.post("/v1/keys", json={"tenant": "blue"}).json()["secret"]
        client.headers["Authorization"] = f"Bearer {made}"
        session = client.post("/v1/sessions", json={}).json()["session_id"]
        looks = [Look(small.endpoint, session, key=made) for _ in range(3)]
        with refused() as answers:
            Look(small.endpoint, session, key=made)
        assert (answers[0][0], answers[0][1]["code"]) == (503, "TooManyRequests")
        assert client.get("/v1/sessions").status_code == 200
        for one in looks:
            one.close()


def test_a_client_that_takes_nothing_holds_up_nobody_else(look: Open, http: httpx2.Client, session: str) -> None:
    flood = look("command=yes")
    flood.until(b"y")
    other = look()
    other.type("echo fi''ne; exit\n")
    other.until(b"fine")
    assert http.get("/healthz").status_code == 200
    assert http.delete(f"/v1/sessions/{session}/terminals/{flood.id}").status_code == 204
    assert flood.end() == {"type": "exited", "exit_code": -9}


def test_a_client_that_leaves_as_its_terminal_ends_is_no_defect(look: Open, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(12):  # fewer than a session may have at once
        one = look()
        one.type("exit\n")
        one.socket.socket.shutdown(socket.SHUT_RDWR)
    assert look().id
    assert "Traceback" not in caplog.text


def test_two_terminals_do_not_mix(look: Open) -> None:
    looks = [look() for _ in range(2)]
    for number, one in enumerate(looks):
        one.type(f"for i in $(seq 200); do echo n''{number}x; done; exit {number}\n")
    threads = [threading.Thread(target=one.end) for one in looks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for number, one in enumerate(looks):
        assert one.said[-1] == {"type": "exited", "exit_code": number}
        assert one.shown.count(f"n{number}x\r\n".encode()) == 200
        assert f"n{1 - number}x".encode() not in one.shown


def state(http: httpx2.Client, session: str) -> str:
    return str(http.get(f"/v1/sessions/{session}").json()["state"])


def test_who_types_into_a_session_that_cannot_be_woken_is_told(cove: Cove, http: httpx2.Client) -> None:
    session = http.post("/v1/sessions", json={"idle_timeout": 600}).json()["session_id"]

    async def stuck(operation: str, _: str) -> None:
        if operation == "resume":
            raise SandboxFailed(reason="a process does not thaw")

    with closing(Look(cove.endpoint, session, "command=cat", cove.api_key)) as one:
        one.type("before\n")
        one.until(b"before\r\nbefore")
        cove.pass_time(1000)
        assert state(http, session) == "PAUSED"
        cove.driver.before = stuck
        one.type("lost\n")
        last = one.end()
    assert (last["type"], last["code"]) == ("failed", "SandboxFailed")
    assert "does not thaw" in last["message"]
