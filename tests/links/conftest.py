"""A session with five development servers, and a browser that opens what it serves."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.links.installing import archive
from tests.serving import IS_REAL, Server, served
from tests.waiting import until

import cove

SERVED = Path(__file__).with_name("served")
FLASK, VITE, NEXT, JUPYTER, STREAMLIT = range(30100, 30105)
UNPACKING = 30190
HOME = "/home/wuying"
SECONDS = 180
"""How long a browser may take for a step."""
VARIABLES = {
    "PATH": f"$PATH:{HOME}",
    "PYTHONPATH": f"{HOME}/site-packages",
    "JUPYTER_PATH": f"{HOME}/site-packages/share/jupyter",
    "NEXT_TELEMETRY_DISABLED": "1",
}
COMMANDS = {
    FLASK: "python3 flask_app.py",
    VITE: f"cd vite && node ../node_modules/vite/bin/vite.js --port {VITE} --strictPort",
    NEXT: f"cd next && node ../node_modules/next/dist/bin/next dev --port {NEXT}",
    JUPYTER: f"python3 -m jupyterlab --app-dir={HOME}/site-packages/share/jupyter/lab --no-browser --port {JUPYTER}"
    " --IdentityProvider.token=",
    STREAMLIT: "python3 -m streamlit run streamlit_app.py --server.headless true --server.runOnSave true"
    f" --server.port {STREAMLIT} --browser.gatherUsageStats false --server.fileWatcherType poll",
}
"""As their documents say, with nothing said about links. Watchdog 7 loses events where much lies beside the script."""
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server")


class Development:
    """The session; each server is known by its port."""

    def __init__(self, session: cove.Session) -> None:
        self.session = session

    def link(self, port: int) -> str:
        """Where a person opens it."""
        return str(self.session.get_link("https", port).unwrap())

    def edit(self, path: str, old: str, new: str) -> None:
        """As an agent edits a file."""
        self.session.file_system.edit_file(path, [{"oldText": old, "newText": new}]).unwrap()

    def log(self, port: int) -> str:
        """What the server at a port has said last."""
        return self.session.command.run(f"tail -c 3000 {port}.log").output

    def start(self, port: int, command: str) -> None:
        """In the background, as whoever develops does."""
        variables = " ".join(f"{name}={value}" for name, value in VARIABLES.items())
        self.session.command.run(f"export {variables}; ({command}) > {HOME}/{port}.log 2>&1 < /dev/null &").unwrap()


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    if not IS_REAL:
        pytest.skip("needs root")
    with served() as server:
        yield server


@pytest.fixture(scope="package")
def development(server: Server) -> Iterator[Development]:
    """All five, started at once."""
    limits = {"memory_bytes": 4 * 1024**3, "pids": 4096}
    wanted = cove.CreateSessionParams(limits=limits, idle_release_timeout=3600, max_lifetime=3600)
    with server.client() as bay:
        development = Development(bay.create(wanted).unwrap())
        for path in SERVED.rglob("*.*"):
            _put(development.session, path)
        _unpack(development)
        for port, command in COMMANDS.items():
            development.start(port, command)
        yield development
        development.session.delete().unwrap()


def _put(session: cove.Session, path: Path) -> None:
    inside = path.relative_to(SERVED)
    session.file_system.create_directory(str(inside.parent)).unwrap()
    session.file_system.write_file(str(inside), path.read_text()).unwrap()


def _unpack(development: Development) -> None:
    development.start(UNPACKING, "exec python3 unpack.py")
    url = development.link(UNPACKING)
    until(lambda: development.session.command.run(f"ss -Hltn sport = :{UNPACKING}").stdout, "somebody unpacks")
    packed = archive()
    with httpx2.Client(trust_env=False, timeout=600) as client, packed.open("rb") as content:
        headers = {"Content-Length": str(packed.stat().st_size)}
        assert client.put(url, content=content, headers=headers).status_code == 200, development.log(UNPACKING)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Of this folder alone: Playwright keeps an event loop running, beside which no asynchronous test can run."""
    expect.set_options(timeout=SECONDS * 1000)
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*CHROMIUM], timeout=SECONDS * 1000
        )
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab of a browser that has seen nothing yet."""
    with browser.new_context() as context:
        context.set_default_timeout(SECONDS * 1000)
        yield context.new_page()
