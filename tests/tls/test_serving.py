"""`cove up --tls` from outside: whoever trusts its authority comes in, by every door, and whoever does not is told."""

import asyncio
import hashlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import websockets.sync.client
from tests.environment import clean_environment
from tests.serving import Server
from tests.tls.conftest import KEY, secured
from tests.tls.inside import ECHO, FILES, serving

from cove import AgentBay, AsyncAgentBay, InvalidSetting, ServerNotTrusted
from cove.app.local import Started
from cove.sdk._settings import ClientSettings, parse_endpoint
from cove.sdk._sockets import WebSocket

Running = tuple[Server, Started]


def trust(started: Started) -> str:
    assert started.trust is not None
    return started.trust.authority


def client(started: Started, monkeypatch: pytest.MonkeyPatch) -> AgentBay:
    monkeypatch.setenv("COVE_CA", trust(started))
    return AgentBay(KEY, endpoint=started.url)


def test_a_client_that_trusts_it_comes_in(cove: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with client(cove[1], monkeypatch) as bay, bay.open() as session:
        assert session.command.run("echo hi").unwrap() == "hi\n"


def test_an_async_one_does_too(cove: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVE_CA", trust(cove[1]))

    async def visit() -> bool:
        async with AsyncAgentBay(KEY, endpoint=cove[1].url) as bay:
            return (await bay.list()).success

    assert asyncio.run(visit())


def test_the_bundle_in_the_usual_variables_serves_as_well(cove: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cove[1].trust is not None
    monkeypatch.delenv("COVE_CA", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", cove[1].trust.bundle)
    with AgentBay(KEY, endpoint=cove[1].url) as bay:
        assert bay.list().success


def test_one_that_does_not_trust_it_is_told_what_to_name(cove: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVE_CA", raising=False)
    with AgentBay(KEY, endpoint=cove[1].url) as bay, pytest.raises(ServerNotTrusted, match=r"COVE_CA name the ca\.pem"):
        bay.list()
    settings = ClientSettings(address=parse_endpoint(cove[1].url), api_key=KEY)
    with pytest.raises(ServerNotTrusted, match=r"COVE_CA name the ca\.pem"):
        WebSocket(settings, "/v1/sessions/s-0/terminal")


def test_a_name_that_the_certificate_lacks_is_told(cove: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVE_CA", trust(cove[1]))
    settings = ClientSettings(address=parse_endpoint(cove[1].url), api_key=KEY, ca=trust(cove[1]))
    other = parse_endpoint(cove[1].url.replace("127.0.0.1", socket.gethostname()))
    with pytest.raises(ServerNotTrusted, match="--tls-name"):
        connect_to_loopback(settings, other.base_url)


def connect_to_loopback(settings: ClientSettings, url: str) -> None:
    """As if its name led to this machine's loopback address."""
    from cove.sdk._trust import trusting, unreachable

    port = int(url.rpartition(":")[2])
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
            trusting(settings).wrap_socket(line, server_hostname="cove.example.org")
    except OSError as error:
        raise unreachable(url, error) from error


@pytest.mark.parametrize(("name", "value"), [("COVE_CA", "/nowhere/ca.pem"), ("COVE_CA", "/etc/passwd")])
def test_a_file_of_authorities_that_is_none_is_told(
    cove: Running, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with AgentBay(KEY, endpoint=cove[1].url) as bay, pytest.raises(InvalidSetting, match=f"{name} = '{value}'"):
        bay.list()


def test_plain_http_is_told_that_this_is_not_plain(cove: Running) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(cove[1].url.replace("https", "http"), timeout=60)
    said = json.loads(refused.value.read())["error"]
    assert (refused.value.code, said["facts"]["remedy"]) == (
        400,
        "this port speaks TLS: write https:// in place of http://",
    )


def test_a_client_of_ours_that_speaks_plain_http_reads_the_same(cove: Running) -> None:
    with AgentBay(KEY, endpoint=cove[1].url.replace("https", "http")) as bay:
        assert "write https:// in place of http://" in bay.list().error_message


def test_the_socket_of_this_machine_needs_no_certificate(cove: Running) -> None:
    with cove[0].client() as bay:
        assert bay.list().success


def test_whoever_says_nothing_or_nonsense_keeps_nobody_waiting(cove: Running) -> None:
    port = int(cove[1].url.rpartition(":")[2])
    lines = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(40)]
    try:
        for index, line in enumerate(lines):
            line.sendall([b"", b"\x16", b"\x16\x03\x01\xff\xff" + os.urandom(64), b"\x00" * 9][index % 4])
        assert get(cove[1], "/healthz")[0] == 200
    finally:
        for line in lines:
            line.close()
    assert "Traceback" not in cove[0].errors()


def get(started: Started, path: str) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=trust(started))
    port = int(started.url.rpartition(":")[2])
    line = http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=context)
    line.request("GET", path)
    answer = line.getresponse()
    return answer.status, answer.read()


def test_a_terminal_opens_over_tls(cove: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from cove.core.terminal import OpenTerminal
    from cove.sdk._wire import terminals

    settings = ClientSettings(address=parse_endpoint(cove[1].url), api_key=KEY, ca=trust(cove[1]))
    with client(cove[1], monkeypatch) as bay, bay.open() as session:
        wish = OpenTerminal(cols=80, rows=24, command="echo from-inside")
        terminal = WebSocket(settings, terminals.opening(session.session_id, wish))
        seen = b""
        while b"from-inside" not in seen:
            select_readable(terminal)
            seen += b"".join(m for m in terminal.receive() if isinstance(m, bytes))
        terminal.close()


def select_readable(terminal: WebSocket) -> None:
    import select

    if not terminal.has_more:
        assert select.select([terminal], [], [], 60)[0]


def test_links_are_https_at_an_origin_of_their_own(
    cove: Running, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = os.urandom(3 << 20)
    (tmp_path / "large").write_bytes(content)
    with (
        serving(FILES, str(tmp_path)) as (port,),
        client(cove[1], monkeypatch) as bay,
        bay.open() as session,
    ):
        link = session.get_link("https", port).unwrap()
        assert link.startswith("https://127.")
        context = ssl.create_default_context(cafile=trust(cove[1]))
        with urllib.request.urlopen(f"{link}large", context=context, timeout=60) as answer:
            assert hashlib.sha256(answer.read()).digest() == hashlib.sha256(content).digest()
        browser = urllib.request.Request(link, headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
        with urllib.request.urlopen(browser, context=context, timeout=60) as answer:
            assert all("; Secure" in each for each in answer.headers.get_all("Set-Cookie"))
        with pytest.raises(urllib.error.HTTPError, match="400"):
            urllib.request.urlopen(link.replace("https", "http"), timeout=60)


def test_a_websocket_through_a_link_is_wss(cove: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(ECHO) as (port,), client(cove[1], monkeypatch) as bay, bay.open() as session:
        link = session.get_link("wss", port).unwrap()
        assert link.startswith("wss://127.")
        context = ssl.create_default_context(cafile=trust(cove[1]))
        with websockets.sync.client.connect(link, ssl=context, open_timeout=60) as line:
            for message in ("hi", "x" * 300_000):
                line.send(message)
                assert line.recv(timeout=60) == message


def test_other_machines_are_told_the_name_that_the_operator_gave() -> None:
    with secured(COVE_TLS="1", COVE_TLS_NAME="cove.example.org,10.0.0.9", COVE_HOST="0.0.0.0") as (_, started):
        assert started.url.startswith("https://cove.example.org:")
        port = int(started.url.rpartition(":")[2])
        context = ssl.create_default_context(cafile=trust(started))
        for name in ("cove.example.org", "10.0.0.9", "127.0.0.1", "localhost"):
            with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
                context.wrap_socket(line, server_hostname=name).close()


def test_what_it_prints_can_be_pasted_and_makes_curl_trust_it(cove: Running) -> None:
    server = Server("tls-print", COVE_LINK_PORT="0", COVE_PUBLIC_URL="")
    try:
        server.spawn(sys.executable, "-m", "cove", "up", "--tls")
        said = server.await_output("Ctrl-C")
        exports = "\n".join(line.strip() for line in said.splitlines() if line.strip().startswith("export"))
        script = f'{exports}\ncurl -sS --fail "$COVE_ENDPOINT/healthz" && curl -sS --fail "https://$AGENTBAY_ENDPOINT/healthz"'
        done = subprocess.run(
            ["bash", "-ec", script], env=clean_environment(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stdout.count('"status":"ok"') == 2, done.stderr
    finally:
        server.close()
