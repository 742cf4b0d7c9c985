"""Behind nginx, as docs/how-to/behind-a-reverse-proxy.md sets it up: everything works that works without it."""

import http.client
import json
import os
import select
import socket
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets.sync.client
from tests.contract.agentbay.words import refusal
from tests.contract.clients import Client
from tests.contract.far import Process
from tests.tls.conftest import KEY
from tests.tls.inside import serving
from tests.tls.official import NEWEST, names, run_script, wish
from tests.tls.proxy import Proxied, proxied
from tests.tls.test_serving import select_readable
from tests.waiting import until

from cove import AgentBay
from cove.core.terminal import OpenTerminal
from cove.sdk._settings import ClientSettings, parse_endpoint
from cove.sdk._sockets import WebSocket
from cove.sdk._wire import terminals

_SERVER = """
import http.server, socket, sys
import websockets.sync.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
        self.wfile.write(b"5\\r\\nfirst\\r\\n"); self.wfile.flush()
        open(sys.argv[3]).read()
        self.wfile.write(b"4\\r\\nlast\\r\\n0\\r\\n\\r\\n")
    def do_POST(self):
        self.send_response(200); self.send_header("Content-Length", "5"); self.end_headers()
        self.wfile.write(self.rfile.read(5)); self.wfile.flush()
        self.rfile.read(int(self.headers["Content-Length"]) - 5)
    def log_message(self, *_): pass
pages, door = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
server.socket.close()
server.socket = pages
threading.Thread(target=server.serve_forever, daemon=True).start()
with websockets.sync.server.serve(lambda each: [each.send(m) for m in each], sock=door) as server:
    server.serve_forever()
"""


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxied]:
    with tempfile.TemporaryDirectory(prefix="cove-nginx-", dir="/tmp") as place:
        Path(place).chmod(0o755)
        with proxied(Path(place)) as running:
            yield running


@pytest.fixture
def bay(proxy: Proxied, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentBay]:
    monkeypatch.setenv("COVE_CA", proxy.ca)
    with AgentBay(KEY, endpoint=proxy.url) as bay:
        yield bay


@pytest.fixture(scope="module")
def pipe() -> Iterator[str]:
    """What the server inside waits for in the middle of an answer: it goes on when the test writes to it."""
    with tempfile.TemporaryDirectory(prefix="cove-pipe-", dir="/tmp") as place:
        os.mkfifo(f"{place}/pipe")
        yield f"{place}/pipe"


@pytest.fixture(scope="module")
def inside(pipe: str) -> Iterator[list[int]]:
    """Ports that a session serves: pages at the first, a WebSocket at the second."""
    with serving(_SERVER, pipe, doors=2) as ports:
        yield ports


@pytest.mark.parametrize("client", NEWEST, ids=names(NEWEST))
def test_an_official_client_works_through_it(proxy: Proxied, client: Client) -> None:
    run_script(client, proxy.host, proxy.ca)


@pytest.mark.parametrize("client", NEWEST[:2], ids=names(NEWEST[:2]))
def test_a_scheme_in_agentbays_endpoint_is_what_nginx_refuses(proxy: Proxied, client: Client) -> None:
    known = {client.endpoint_variable: proxy.url, client.key_variable: KEY, "SSL_CERT_FILE": proxy.ca}
    process = Process(client, **known)
    try:
        assert "as json format" in refusal(process.find(client.entry)().create, wish(process, client))
    finally:
        process.close()
    until(lambda: '" 400 ' in (proxy.place / "access.log").read_text(), "nginx has noted it")  # once it has answered


def test_our_client_and_its_terminals_work_through_it(proxy: Proxied, bay: AgentBay) -> None:
    with bay.open() as session:
        assert session.command.run("echo hi").unwrap() == "hi\n"
        settings = ClientSettings(address=parse_endpoint(proxy.url), api_key=KEY, ca=proxy.ca)
        wished = OpenTerminal(cols=80, rows=24, command="echo from-inside")
        terminal, seen = WebSocket(settings, terminals.opening(session.session_id, wished)), b""
        while b"from-inside" not in seen:
            select_readable(terminal)
            seen += b"".join(message for message in terminal.receive() if isinstance(message, bytes))
        terminal.close()


def test_a_request_line_of_100_kib_passes(proxy: Proxied) -> None:
    line = http.client.HTTPSConnection("localhost", proxy.port, timeout=60, context=trusting(proxy))
    line.request("POST", f"/?Action=ListSession&Labels={'x' * 100_000}", headers={"Authorization": f"Bearer {KEY}"})
    answer = line.getresponse()
    said = json.loads(answer.read())
    assert answer.status not in {414, 431, 502}
    assert said["RequestId"]


def trusting(proxy: Proxied) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=proxy.ca)


def test_an_answer_streams_while_it_is_made(proxy: Proxied, bay: AgentBay, inside: list[int], pipe: str) -> None:
    with bay.open() as session:
        link = session.get_link("https", inside[0]).unwrap()
        assert link.endswith(f".links.localhost:{proxy.port}/")
        line = proxy.line_to(link)
        line.request("GET", "/stream", headers={"Host": host_of(link)})
        answer = line.getresponse()
        assert answer.read(5) == b"first"
        with open(pipe, "w") as waited_for:
            waited_for.write("go on")
        assert answer.read() == b"last"


def host_of(link: str) -> str:
    return link.partition("://")[2].partition("/")[0]


def test_a_body_streams_in_while_it_is_made(proxy: Proxied, bay: AgentBay, inside: list[int]) -> None:
    with bay.open() as session:
        link = session.get_link("https", inside[0]).unwrap()
        line = proxy.line_to(link)
        line.putrequest("POST", "/", skip_host=True)
        line.putheader("Host", host_of(link))
        line.putheader("Content-Length", "10")
        line.endheaders(b"first")
        assert select.select([line.sock], [], [], 60)[0], "nothing came back of the first half"
        assert b"200" in line.sock.recv(65536)
        line.close()


def test_a_websocket_passes(proxy: Proxied, bay: AgentBay, inside: list[int]) -> None:
    with bay.open() as session:
        link = session.get_link("wss", inside[1]).unwrap()
        assert link.startswith("wss://")
        plain = socket.create_connection(("127.0.0.1", proxy.port), 60)
        name = host_of(link).partition(":")[0]
        with websockets.sync.client.connect(
            link, sock=plain, ssl=trusting(proxy), server_hostname=name, open_timeout=20
        ) as line:
            for message in ("hi", "x" * 300_000):
                line.send(message)
                assert line.recv(timeout=60) == message


def test_a_link_that_is_none_is_refused_by_the_gateway_and_not_by_nginx(proxy: Proxied) -> None:
    link = proxy.links.replace("*", "l" + 48 * "0") + "/"
    line = proxy.line_to(link)
    line.request("GET", "/", headers={"Host": host_of(link)})
    assert line.getresponse().status == 403


def test_tokens_of_links_stand_in_no_log(proxy: Proxied) -> None:
    assert ".links." not in (proxy.place / "access.log").read_text()
    assert "l" + 48 * "0" not in (proxy.server.data / "log" / "cove.log").read_text()
