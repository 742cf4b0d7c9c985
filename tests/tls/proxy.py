"""nginx, Debian's, with the configuration that the how-to page shows, in front of a Cove."""

import http.client
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.environment import claim_port
from tests.serving import Server
from tests.tls.conftest import KEY, now
from tests.waiting import until

from cove.app.certificates import issue, make_authority, make_key

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "behind-a-reverse-proxy.md"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin")
_AROUND = """
daemon off;
worker_processes 1;
pid {place}/pid;
error_log stderr warn;
events {{ }}
http {{
    access_log {place}/access.log;
    client_body_temp_path {place}/a;
    proxy_temp_path {place}/b;
    fastcgi_temp_path {place}/c;
    uwsgi_temp_path {place}/d;
    scgi_temp_path {place}/e;
    include {place}/cove.conf;
}}
"""


class Proxied:
    """A Cove that is called by its proxy's name, which is this machine's here; `host` has nginx's port."""

    def __init__(self, server: Server, place: Path, port: int) -> None:
        self.server, self.place, self.port = server, place, port
        self.host = f"localhost:{port}"
        self.url = f"https://{self.host}"
        self.ca = str(place / "ca.pem")
        self.links = f"https://*.links.localhost:{port}"

    def line_to(self, url: str) -> http.client.HTTPSConnection:
        """A connection to a link by its name, which no DNS knows here."""
        found = re.match(r"(?:https|wss)://([^:/]+):", url)
        assert found is not None
        line = _Named(found[1], self.port, timeout=60, context=ssl.create_default_context(cafile=self.ca))
        line.connect()
        return line


class _Named(http.client.HTTPSConnection):
    """Connects to this machine, by whatever name."""

    def connect(self) -> None:
        plain = socket.create_connection(("127.0.0.1", self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]


def shown_configuration() -> str:
    """The block of the page."""
    found = re.search(r"^```nginx\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


@contextmanager
def proxied(place: Path) -> Iterator[Proxied]:
    """The page's set-up, with this machine's names, free ports, and a certificate of the test's own."""
    port, api, links = (claim_port() for _ in range(3))
    authority = make_authority(["localhost", "links.localhost"], now())
    made = issue(authority, make_key(), ["localhost", "*.links.localhost"], now())
    for name, text in (("ca", authority.certificate), ("fullchain", made.certificate), ("key", made.key)):
        (place / f"{name}.pem").write_text(text)
    names = {"/etc/ssl/cove/": f"{place}/", "listen 443": f"listen 127.0.0.1:{port}"}
    names |= {"127.0.0.1:7717": f"127.0.0.1:{api}", "127.0.0.1:7718": f"127.0.0.1:{links}"}
    names |= {"links.example.org": "links.localhost", "cove.example.org": "localhost"}
    text = shown_configuration()
    for shown, meant in names.items():
        assert shown in text
        text = text.replace(shown, meant)
    (place / "cove.conf").write_text(text)
    (place / "nginx.conf").write_text(_AROUND.format(place=place))
    told = {"COVE_PUBLIC_URL": f"https://localhost:{port}", "COVE_LINK_URL": f"https://*.links.localhost:{port}"}
    server = Server("proxied", COVE_API_KEY=KEY, COVE_PORT=str(api), COVE_LINK_PORT=str(links), **told)
    try:
        server.up_simulated()
        with _nginx(place, port):
            yield Proxied(server, place, port)
    finally:
        server.close()


@contextmanager
def _nginx(place: Path, port: int) -> Iterator[None]:
    assert NGINX is not None
    errors = (place / "nginx.err").open("wb")
    process = subprocess.Popen([NGINX, "-p", str(place), "-c", str(place / "nginx.conf")], stderr=errors)

    def listens() -> bool:
        assert process.poll() is None, (place / "nginx.err").read_text()
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens, "nginx listens")
        yield
    finally:
        process.terminate()
        process.wait(60)
        errors.close()
