"""Links as the server keeps them, and what a gateway hears that asks about their tokens."""

import socket
import tempfile
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.asking import at_socket

from cove.core.errors import (
    LinkExpired,
    LinkRefused,
    LinkRevoked,
    NothingListening,
    SessionNotFound,
    SessionPaused,
)
from cove.core.ids import SessionId
from cove.core.link import LinkPlace, loopback_address
from cove.core.ports import Admission
from cove.testing import Cove, running_cove

PLACE = LinkPlace(port=7999)
LONG = 600
"""Seconds, against which the true time between two lines of a test is nothing; a session lives three times as long."""
LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"


class Ear:
    """A gateway that only listens."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str | None]] = []

    def closed(self, session_id: str, link_id: str | None) -> None:
        self.heard.append(("closed", session_id, link_id))

    def paused(self, session_id: str) -> None:
        self.heard.append(("paused", session_id, None))


@pytest.fixture
def cove() -> Iterator[Cove]:
    with running_cove(links=PLACE) as running:
        yield running


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cove-links-", dir="/tmp") as path:
        yield Path(path)


@pytest.fixture
def ear(cove: Cove) -> Ear:
    ear = Ear()
    cove.link_door.watch(ear)
    return ear


def _link(http: httpx2.Client, session: str, **wish: Any) -> dict[str, Any]:
    wish = {"protocol_type": "https", "port": 30100, **wish}
    return dict(http.post(f"/v1/sessions/{session}/links", json=wish).raise_for_status().json())


def _token(link: dict[str, Any]) -> str:
    return urlsplit(link["url"]).path.split("/")[2]


def _admit(cove: Cove, token: str) -> Admission:
    return cove.run(cove.link_door.admit(token))


def _refused(answer: httpx2.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["message"]


def test_a_link_is_admitted_to_its_port_at_its_sessions_address(http: httpx2.Client, cove: Cove, session: str) -> None:
    link = _link(http, session)
    address = urlsplit(link["url"])
    admission = _admit(cove, _token(link))
    assert (admission.session_id, admission.link_id, admission.port) == (session, link["link_id"], 30100)
    assert (address.scheme, address.hostname, address.port) == ("http", admission.host, PLACE.port)
    assert admission.host.startswith("127.")
    assert link["url"].endswith("/")


def test_every_port_of_every_session_has_an_address_of_its_own(http: httpx2.Client) -> None:
    sessions = [http.post("/v1/sessions", json={}).json() for _ in range(4)]
    ports = [(session["session_id"], port) for session in sessions for port in (30100, 30101, 30199)]
    hosts = [urlsplit(_link(http, session, port=port)["url"]).hostname for session, port in ports]
    again = [urlsplit(_link(http, session, port=port, protocol_type="wss")["url"]).hostname for session, port in ports]
    assert len({*hosts, *(session["network_interface_ip"] for session in sessions)}) == 16
    assert hosts == again


@pytest.mark.parametrize("slots", [1, 1024, 16384])
def test_living_sessions_share_no_address_and_all_are_loopback_addresses(slots: int) -> None:
    taken = {
        ip_address(loopback_address(SessionId(f"s-{slot}"), port, slot=slot, slots=slots))
        for slot in {0, 1, slots // 2, slots - 2, slots - 1} & set(range(slots))
        for port in (*range(30100, 30200), None)
    }
    assert len(taken) == 101 * len({0, 1, slots // 2, slots - 2, slots - 1} & set(range(slots)))
    assert all(ip_address("127.1.0.0") <= each < ip_address("127.255.255.0") for each in taken)


def test_a_link_without_a_protocol_is_for_websockets(http: httpx2.Client, session: str) -> None:
    link = http.post(f"/v1/sessions/{session}/links", json={"port": 30100}).json()
    assert link["protocol"] == "wss"
    assert link["url"].startswith("ws://")


def test_a_link_that_lasts_is_the_same_for_whoever_asks_again(http: httpx2.Client, session: str) -> None:
    first = _link(http, session)
    assert _link(http, session) == first
    others = [_link(http, session, port=30101), _link(http, session, protocol_type="wss"), _link(http, session)]
    assert [other == first for other in others] == [False, False, True]
    assert _link(http, session, expires_in=LONG)["link_id"] != _link(http, session, expires_in=LONG)["link_id"]
    assert len(http.get(f"/v1/sessions/{session}/links").json()["links"]) == 5


@pytest.mark.parametrize("port", [30099, 30200, 0, -1, 9222, 30150.5, 30150.0, "30150", "abc", True, [30150], 10**30])
def test_a_wrong_port_is_refused_in_the_words_of_the_wire_document(
    http: httpx2.Client, session: str, port: object
) -> None:
    answer = http.post(f"/v1/sessions/{session}/links", json={"protocol_type": "https", "port": port})
    text = f"Invalid port value: {port}. Port must be an integer in the range [30100, 30199]."
    assert _refused(answer) == (400, "InvalidPort", text)


@pytest.mark.parametrize(
    ("wish", "status", "words"),
    [
        ({"port": 30100, "protocol_type": "http"}, 400, "http not supported"),
        ({"port": 30100, "protocol_type": "adb"}, 400, "give 'https' or 'wss'"),
        ({"port": 30100, "options": "x" * 5000}, 400, "at most 4096 characters"),
        ({"port": 30100, "expires_in": 0}, 400, "expires_in"),
        ({"port": 30100, "expires_in": 1e12}, 400, "expires_in"),
        ({"port": 30100, "lasting": True}, 400, "lasting"),
        ({}, 501, "only BrowserUse image support cdp"),
    ],
)
def test_a_wrong_wish_is_refused(
    http: httpx2.Client, session: str, wish: dict[str, Any], status: int, words: str
) -> None:
    found, _, message = _refused(http.post(f"/v1/sessions/{session}/links", json=wish))
    assert (found, words in message) == (status, True), message


def test_a_session_has_at_most_a_thousand_links(http: httpx2.Client, session: str) -> None:
    for _ in range(1000):
        _link(http, session, expires_in=LONG)
    refused = http.post(f"/v1/sessions/{session}/links", json={"port": 30100, "expires_in": LONG})
    assert _refused(refused)[:2] == (429, "TooManyLinks")
    assert http.delete(f"/v1/sessions/{session}/links").json() == {"revoked": 1000}
    _link(http, session)


def test_forged_and_strange_tokens_open_nothing(http: httpx2.Client, cove: Cove, session: str) -> None:
    token = _token(_link(http, session))
    own = http.get(f"/v1/sessions/{session}").json()["token"]
    forged = [token[:-1] + next(letter for letter in LETTERS if letter != token[-1]), token[:17] + own[17:]]
    forged += ["l" + own[1:], "s" + token[1:], token.upper(), token + "0", token[:-1], "", "../" + token, "ä" * 49]
    for each in forged:
        with pytest.raises(LinkRefused) as refused:
            _admit(cove, each)
        assert token not in str(refused.value)


def test_a_token_of_another_cove_opens_nothing(http: httpx2.Client, cove: Cove, session: str, connect: Any) -> None:
    token = _token(_link(http, session))
    with running_cove(links=PLACE) as other, connect(other) as strange:
        strange_session = strange.post("/v1/sessions", json={}).json()["session_id"]
        strange_token = _token(_link(strange, strange_session))
        with pytest.raises(LinkRefused):
            _admit(other, token)
    with pytest.raises(LinkRefused):
        _admit(cove, strange_token)


def test_a_link_expires(http: httpx2.Client, cove: Cove, ear: Ear) -> None:
    wish = {"idle_timeout": 10 * LONG, "max_lifetime": 10 * LONG}
    session = http.post("/v1/sessions", json=wish).json()["session_id"]
    link, lasting = _link(http, session, expires_in=LONG), _link(http, session)
    assert _admit(cove, _token(link)).expires_at == link["expires_at"]
    cove.pass_time(0.5 * LONG)
    assert ear.heard == []
    cove.pass_time(LONG)
    assert ear.heard == [("closed", session, link["link_id"])]
    with pytest.raises(LinkExpired):
        _admit(cove, _token(link))
    assert http.get(f"/v1/sessions/{session}/links").json()["links"] == [lasting]
    cove.pass_time(0.5 * LONG)
    assert len(ear.heard) == 1


def test_a_revoked_link_opens_nothing_and_the_others_still_do(
    http: httpx2.Client, cove: Cove, session: str, ear: Ear
) -> None:
    link, other = _link(http, session), _link(http, session, port=30101)
    for _ in range(2):
        assert http.delete(f"/v1/sessions/{session}/links/{link['link_id']}").json() == {"revoked": 1}
    assert ear.heard[0] == ("closed", session, link["link_id"])
    with pytest.raises(LinkRevoked):
        _admit(cove, _token(link))
    assert _admit(cove, _token(other)).port == 30101
    assert _link(http, session)["link_id"] != link["link_id"]


def test_revoking_all_voids_every_token_of_the_session(http: httpx2.Client, cove: Cove, session: str, ear: Ear) -> None:
    link, own = _link(http, session), http.get(f"/v1/sessions/{session}").json()["token"]
    assert http.delete(f"/v1/sessions/{session}/links").json() == {"revoked": 1}
    assert ear.heard == [("closed", session, None)]
    with pytest.raises(LinkRevoked):
        _admit(cove, _token(link))
    with pytest.raises(LinkRefused):
        _admit(cove, own)
    fresh = http.get(f"/v1/sessions/{session}").json()["token"]
    assert _admit(cove, fresh).port is None


def test_a_session_that_ends_takes_its_links_along(http: httpx2.Client, cove: Cove, session: str, ear: Ear) -> None:
    token = _token(_link(http, session))
    http.delete(f"/v1/sessions/{session}").raise_for_status()
    assert ("closed", session, None) in ear.heard
    with pytest.raises(SessionNotFound):
        _admit(cove, token)
    for method, path in (("POST", ""), ("GET", ""), ("DELETE", ""), ("DELETE", "/l-0")):
        body = {"json": {"port": 30100}} if method == "POST" else {}
        answer = http.request(method, f"/v1/sessions/{session}/links{path}", **body)
        assert _refused(answer)[:2] == (404, "SessionNotFound")


def test_links_outlive_the_server(directory: Path, connect: Any) -> None:
    with running_cove(directory, links=PLACE) as cove, connect(cove) as http:
        session = http.post("/v1/sessions", json={}).json()["session_id"]
        revoked = _link(http, session)
        http.delete(f"/v1/sessions/{session}/links").raise_for_status()
        link = _link(http, session)
    with running_cove(directory, links=PLACE) as cove, connect(cove) as http:
        assert http.get(f"/v1/sessions/{session}/links").json()["links"] == [link]
        assert _admit(cove, _token(link)).session_id == session
        with pytest.raises(LinkRevoked):
            _admit(cove, _token(revoked))


def test_without_its_secret_every_link_is_void(directory: Path, connect: Any) -> None:
    with running_cove(directory, links=PLACE) as cove, connect(cove) as http:
        link = _link(http, http.post("/v1/sessions", json={}).json()["session_id"])
    (directory / "secret").unlink()
    with running_cove(directory, links=PLACE) as cove, pytest.raises(LinkRefused):
        _admit(cove, _token(link))


def test_a_session_belongs_to_its_tenant_and_so_do_its_links(http: httpx2.Client, cove: Cove, session: str) -> None:
    link = _link(http, session)
    secret = http.post("/v1/keys", json={"tenant": "other"}).json()["secret"]
    stranger = {"Authorization": f"Bearer {secret}"}
    requests = [("POST", "", {"json": {"port": 1}}), ("GET", "", {}), ("DELETE", "", {})]
    requests.append(("DELETE", f"/{link['link_id']}", {}))
    for method, path, body in requests:
        answer = http.request(method, f"/v1/sessions/{session}/links{path}", headers=stranger, **body)
        assert _refused(answer)[:2] == (404, "SessionNotFound")
    theirs = http.post("/v1/sessions", json={}, headers=stranger).json()
    assert theirs["token"]
    looked_at = http.get(f"/v1/sessions/{theirs['session_id']}").json()  # an operator may look, and gets no token
    assert (looked_at["token"], looked_at["network_interface_ip"]) == ("", "")
    listed = http.get("/v1/sessions").json()["sessions"]
    assert all(view["token"] == "" for view in listed)


def test_an_unknown_link_cannot_be_revoked(http: httpx2.Client, session: str) -> None:
    other = http.post("/v1/sessions", json={}).json()["session_id"]
    of_another = _link(http, other)["link_id"]
    for link_id in ("l-0", of_another):
        answer = http.delete(f"/v1/sessions/{session}/links/{link_id}")
        assert _refused(answer)[:2] == (404, "LinkNotFound")
    assert len(http.get(f"/v1/sessions/{other}/links").json()["links"]) == 1


@pytest.fixture
def listening(cove: Cove) -> Iterator[socket.socket]:
    """A server where a simulated sandbox has its port 30100."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        cove.driver.ports[30100] = door.getsockname()[1]
        door.settimeout(30)
        yield door


def _dial(cove: Cove, session: str, port: int = 30100) -> socket.socket:
    return cove.run(cove.link_door.dial(session, port))  # type: ignore[arg-type]


@pytest.fixture
def echo(listening: socket.socket) -> Callable[[socket.socket], bytes]:
    def ask(dialled: socket.socket) -> bytes:
        dialled.settimeout(30)
        with dialled, listening.accept()[0] as accepted:
            accepted.sendall(b"hello")
            return dialled.recv(5)

    return ask


def test_a_dialled_link_reaches_what_listens(cove: Cove, session: str, echo: Any) -> None:
    assert echo(_dial(cove, session)) == b"hello"


def test_a_dialled_link_wakes_what_idleness_paused(http: httpx2.Client, cove: Cove, echo: Any, ear: Ear) -> None:
    session = http.post("/v1/sessions", json={"idle_timeout": LONG}).json()["session_id"]
    cove.pass_time(1.2 * LONG)
    assert ear.heard == [("paused", session, None)]
    assert http.get(f"/v1/sessions/{session}").json()["state"] == "PAUSED"
    assert echo(_dial(cove, session)) == b"hello"
    assert http.get(f"/v1/sessions/{session}").json()["state"] == "RUNNING"


def test_links_count_as_use_and_their_tokens_do_not(http: httpx2.Client, cove: Cove, echo: Any) -> None:
    dialled, used, looked_at = (
        http.post("/v1/sessions", json={"idle_timeout": LONG}).json()["session_id"] for _ in range(3)
    )
    token = _token(_link(http, looked_at))
    cove.pass_time(0.7 * LONG)
    echo(_dial(cove, dialled))
    cove.run(_call(cove.link_door.used, used))
    _admit(cove, token)
    cove.pass_time(0.7 * LONG)
    states = [http.get(f"/v1/sessions/{each}").json()["state"] for each in (dialled, used, looked_at)]
    assert states == ["RUNNING", "RUNNING", "PAUSED"]


async def _call(function: Callable[[Any], None], argument: Any) -> None:
    function(argument)


def test_bytes_of_an_open_link_wake_what_idleness_paused(http: httpx2.Client, cove: Cove) -> None:
    session = http.post("/v1/sessions", json={"idle_timeout": LONG}).json()["session_id"]
    cove.pass_time(1.2 * LONG)
    cove.run(_call(cove.link_door.used, session))
    answer = http.post(f"/v1/sessions/{session}/tools/shell", json={"arguments": {"command": "true"}})
    assert answer.status_code == 200
    assert http.get(f"/v1/sessions/{session}").json()["state"] == "RUNNING"


def test_a_link_does_not_wake_what_somebody_paused(http: httpx2.Client, cove: Cove, session: str) -> None:
    link = _link(http, session)
    http.post(f"/v1/sessions/{session}/pause").raise_for_status()
    assert _admit(cove, _token(link)).port == 30100
    with pytest.raises(SessionPaused, match=r"resume\(\) first"):
        _dial(cove, session)
    cove.run(_call(cove.link_door.used, session))
    assert http.get(f"/v1/sessions/{session}").json()["state"] == "PAUSED"
    assert _link(http, session) == link


def test_nothing_listening_is_said(cove: Cove, session: str) -> None:
    with socket.socket() as taken:  # so that nobody else comes to listen there
        taken.bind(("127.0.0.1", 0))
        cove.driver.ports[30101] = taken.getsockname()[1]
        with pytest.raises(NothingListening, match="nothing listens on port 30101"):
            _dial(cove, session, 30101)


def _call_tool(
    cove: Cove, token: str, tool: str, arguments: dict[str, Any], user_agent: str = "python-httpx/0.28.1"
) -> dict[str, Any]:
    return cove.run(
        cove.link_door.call_tool(token, tool, arguments, request_id="vpc-1", user_agent=user_agent),
    )


def test_the_sessions_own_token_calls_its_tools(http: httpx2.Client, cove: Cove, session: str) -> None:
    token = http.get(f"/v1/sessions/{session}").json()["token"]
    answer = _call_tool(cove, token, "shell", {"command": "echo hello"})
    assert answer["isError"] is False
    assert answer["content"] == [{"type": "text", "text": '{"stdout":"hello\\n","stderr":"","exit_code":0}'}]
    for tool, arguments, words in (
        ("shell", {"command": 5}, "command"),
        ("fly", {}, "no tool 'fly'"),
        ("read_file", {"path": "/no/such"}, "/no/such"),
    ):
        answer = _call_tool(cove, token, tool, arguments)
        assert answer["isError"] is True
        assert words in answer["content"][0]["text"]


def test_the_first_clients_are_given_what_a_command_printed(http: httpx2.Client, cove: Cove, session: str) -> None:
    token = http.get(f"/v1/sessions/{session}").json()["token"]

    def first(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return _call_tool(cove, token, tool, arguments, "python-requests/2.32.5")

    def text(words: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": words}]

    assert first("shell", {"command": "echo hello; echo there >&2"}) == {
        "content": text("hello\nthere\n"),
        "isError": False,
    }
    assert first("shell", {"command": "exit 3"}) == {"content": text("exit code 3"), "isError": True}


def test_a_links_token_calls_no_tools(http: httpx2.Client, cove: Cove, session: str) -> None:
    with pytest.raises(LinkRefused, match="opens a port"):
        _call_tool(cove, _token(_link(http, session)), "shell", {"command": "true"})
    token = http.get(f"/v1/sessions/{session}").json()["token"]
    http.delete(f"/v1/sessions/{session}").raise_for_status()
    with pytest.raises(SessionNotFound):
        _call_tool(cove, token, "shell", {"command": "true"})


def test_without_a_gateway_there_are_no_links(connect: Any) -> None:
    with running_cove(links=None) as bare, connect(bare) as http:
        session = http.post("/v1/sessions", json={}).json()
        assert (session["network_interface_ip"], session["http_port"], session["token"]) == ("", "", "")
        answer = http.post(f"/v1/sessions/{session['session_id']}/links", json={"port": 30100})
        assert _refused(answer)[:2] == (501, "NotSupported")


def test_under_a_wildcard_every_link_has_a_name_of_its_own() -> None:
    place = LinkPlace(port=7999, wildcard="https://*.links.example.org:8443")
    with running_cove(links=place) as cove:
        with at_socket(cove.socket, headers={"Authorization": f"Bearer {cove.api_key}"}) as http:
            session = http.post("/v1/sessions", json={}).json()
            link = _link(http, session["session_id"], protocol_type="wss")
        assert session["token"] == ""
        name, _, rest = link["url"].removeprefix("wss://").partition(".")
        assert rest == "links.example.org:8443/"
        assert _admit(cove, name).host == f"{name}.links.example.org"


@pytest.mark.parametrize("content", [b"", b"short", bytes(33)])
def test_a_damaged_secret_is_not_used(directory: Path, content: bytes) -> None:
    (directory / "secret").write_bytes(content)
    with pytest.raises(RuntimeError, match="did not start"), running_cove(directory, links=PLACE):
        pass


def test_the_secret_is_for_the_server_alone(cove: Cove) -> None:
    assert (cove.directory / "secret").stat().st_mode & 0o777 == 0o600
