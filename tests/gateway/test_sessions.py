"""Links into true sessions, through the public client: root's, and where root is not, an ordinary user's."""

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import urlsplit

import pytest
from tests.environment import claim_port
from tests.serving import IS_REAL, Server, served
from tests.waiting import until
from tests.world import children, command_of, descriptors, threads

import cove
from cove import AgentBay, Session

pytestmark = [pytest.mark.skipif(not IS_REAL, reason="needs root"), pytest.mark.claim("links")]
PORT = 30100
PATIENCE = 60.0
SERVE = """
import http.server, socket, sys
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/stream":
            self.send_response(200); self.end_headers()
            self.wfile.write(b"begun"); self.wfile.flush(); self.rfile.read()
        body = sys.argv[3].encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"])); self.do_GET()
Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
"""
DEAF = """
import socket, time
door = socket.socket(); door.bind(("127.0.0.1", 30100)); door.listen(0)
callers = [socket.socket() for _ in range(3)]
for caller in callers:
    caller.setblocking(False); caller.connect_ex(("127.0.0.1", 30100))
print("deaf", flush=True); time.sleep(1000)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with served("--link-port", "0") as server:
        yield server


@pytest.fixture(scope="module")
def bay(server: Server) -> Iterator[AgentBay]:
    with server.client() as bay:
        yield bay


@pytest.fixture
def session(bay: AgentBay) -> Iterator[Session]:
    made = bay.create(cove.CreateSessionParams(idle_release_timeout=3600)).unwrap()
    yield made
    with suppress(cove.CoveError):
        made.delete()


def run_inside(session: Session, program: str, *arguments: str) -> None:
    session.file_system.write_file("/tmp/program.py", program).unwrap()
    words = " ".join(arguments)
    session.command.run(f"(setsid python3 /tmp/program.py {words} > /tmp/log 2>&1 &)").unwrap()


def listening(session: Session, says: str = "hello", address: str = "127.0.0.1", port: int = PORT) -> str:
    """A link to a server inside that answers `says`."""
    run_inside(session, SERVE, address, str(port), says)
    url = str(session.get_link("https", port).unwrap())
    until(lambda: fetched(url)[0] == 200, "the server inside answers")
    return url


def fetched(url: str, **fields: str) -> tuple[int, str]:
    """Status and text; a program's, so without a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=fields), timeout=PATIENCE) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def streaming(url: str) -> socket.socket:
    """A connection on which an answer has begun that never ends."""
    parts = urlsplit(url)
    connected = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=PATIENCE)
    connected.sendall(f"GET {parts.path}stream HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
    seen = b""
    while b"begun\r\n" not in seen:
        seen += (more := connected.recv(4096))
        assert more, seen
    return connected


def is_cut(connected: socket.socket) -> bool:
    """Wait for more, or for the end; whether it was that."""
    try:
        return connected.recv(4096) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_server_is_found_wherever_it_listens(session: Session, address: str) -> None:
    assert fetched(listening(session, address=address)) == (200, "hello")


def test_a_server_of_another_port_is_not_found(session: Session) -> None:
    listening(session)

    status, text = fetched(str(session.get_link("https", PORT + 1).unwrap()))

    assert status == 502
    assert f"nothing listens on port {PORT + 1} in session '{session.session_id}'" in text


def test_a_server_that_takes_no_connections_is_given_up(session: Session) -> None:
    run_inside(session, DEAF)
    until(lambda: "deaf" in session.command.run("cat /tmp/log").output, "it listens, and takes nothing")

    status, text = fetched(str(session.get_link("https", PORT).unwrap()))

    assert status == 504
    assert "did not answer within" in text


def test_a_session_paused_by_hand_says_so_and_serves_again_after(session: Session) -> None:
    url = listening(session)
    session.pause().unwrap()

    status, text = fetched(url)

    assert status == 409
    assert "resume()" in text
    session.resume().unwrap()
    assert fetched(url) == (200, "hello")


def test_a_link_wakes_a_session_that_fell_asleep(bay: AgentBay) -> None:
    with bay.open(idle_release_timeout=1.0) as session:
        url = listening(session)
        until(lambda: session.get_status().status == "PAUSED", "it sleeps")

        assert fetched(url) == (200, "hello")


def test_what_comes_through_an_open_connection_wakes_a_session_too(bay: AgentBay) -> None:
    with bay.open(idle_release_timeout=1.0) as session:
        url = urlsplit(listening(session))
        with socket.create_connection((url.hostname or "", url.port or 80), timeout=PATIENCE) as connected:
            head = f"POST {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: 2\r\n\r\n"
            connected.sendall(head.encode() + b"h")
            until(lambda: session.get_status().status == "PAUSED", "it sleeps, in the middle of a request")
            connected.sendall(b"i")

            assert connected.recv(100).startswith(b"HTTP/1.1 200")


def test_what_is_open_is_cut_when_the_session_is_deleted(session: Session) -> None:
    url = listening(session)
    with closing(streaming(url)) as connected:
        session.delete().unwrap()

        assert is_cut(connected)
    assert fetched(url)[0] == 404


def test_one_sessions_link_opens_nothing_of_another(bay: AgentBay, session: Session) -> None:
    with bay.open() as other:
        ours, theirs = urlsplit(listening(session, "ours")), urlsplit(listening(other, "theirs"))
        assert ours.hostname != theirs.hostname

        crossed = fetched(f"http://{theirs.netloc}{ours.path}")
        by_cookie = fetched(f"http://{theirs.netloc}/", Cookie=f"cove_link={ours.path.split('/')[2]}")
        own_cookie = fetched(f"http://{theirs.netloc}/", Cookie=f"cove_link={theirs.path.split('/')[2]}")

    assert crossed[0] == by_cookie[0] == 403
    assert own_cookie == (200, "theirs")


def test_links_outlive_the_gateway(server: Server, session: Session) -> None:
    url = listening(session)
    (gateway,) = gateways(server)

    os.kill(gateway, signal.SIGKILL)
    assert fetched(url) == (200, "hello")

    assert set(gateways(server)) - {gateway}


def test_a_hundred_dials_leave_nothing_open(server: Server, session: Session) -> None:
    url, pid = listening(session), server.process.pid
    nothing = str(session.get_link("https", PORT + 2).unwrap())
    assert (fetched(url)[0], fetched(nothing)[0]) == (200, 502)
    before, before_threads = descriptors(pid), threads(pid)

    for _ in range(100):
        assert fetched(nothing)[0] == 502

    until(lambda: descriptors(pid) <= before, "no descriptor is left")
    until(lambda: threads(pid) <= before_threads, "no thread is left")


def test_links_are_the_same_after_a_restart() -> None:
    server, port = Server("links"), claim_port()
    try:
        (server.data / "link_port").write_text(str(port))  # where an earlier start found room
        server.up()
        with server.client() as bay:
            session = bay.create(cove.CreateSessionParams(idle_release_timeout=3600)).unwrap()
            url = listening(session)
        assert urlsplit(url).port == port
        assert server.stop() == 0
        server.up()

        assert fetched(url) == (200, "hello")
        assert len(gateways(server)) == 1
    finally:
        server.close()


def gateways(server: Server) -> list[int]:
    """The process ids of a server's gateways."""
    return [pid for pid in children(server.process.pid) if "cove.gateway" in command_of(pid)]
