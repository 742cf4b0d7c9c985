"""What the page of one session can do in a user's browser to the page of another: nothing. Tried in Chromium.

The victim's server lets every origin in and trusts its own cookie, as careless ones do: only the gateway is between.
"""

from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec
import pytest
from playwright.sync_api import Page
from tests.links.conftest import SERVED
from tests.serving import Server
from tests.waiting import until

import cove

pytestmark = [pytest.mark.claim("links-apart"), pytest.mark.timeout(300)]
PORT, OTHER_PORT = 30100, 30101
SECONDS = 60.0


class Served(msgspec.Struct):
    """A session with a witness: `link` as a program has it, `home` as a browser shows it."""

    session: cove.Session
    link: str

    @property
    def home(self) -> str:
        return self.link.partition("_cove/")[0]

    @property
    def token(self) -> str:
        return self.link.rstrip("/").rpartition("/")[2]

    def seen(self) -> list[dict[str, str]]:
        """Every request that came to it since it was asked last."""
        found: list[dict[str, str]] = httpx2.get(f"{self.link}seen", trust_env=False, timeout=SECONDS).json()
        new, self._asked = found[self._asked :], len(found)
        return new

    _asked: int = 0


def serve(session: cove.Session, port: int, name: str) -> Served:
    session.file_system.write_file("witness.py", (SERVED / "witness.py").read_text()).unwrap()
    session.command.run(f"python3 witness.py {port} {name} > {port}.log 2>&1 < /dev/null &").unwrap()
    served = Served(session=session, link=session.get_link("https", port).unwrap())
    until(lambda: httpx2.get(f"{served.link}seen", trust_env=False, timeout=SECONDS).is_success, f"{name} serves")
    return served


def enter(page: Page, served: Served) -> None:
    """Open the link, and be sent on to the clean path."""
    page.goto(served.link, wait_until="commit")
    page.wait_for_url(served.home)


@pytest.fixture(scope="module")
def both(server: Server) -> Iterator[tuple[Served, Served]]:
    """The attacker's and the victim's, in sessions of their own."""
    with server.client() as bay:
        sessions = [bay.create().unwrap() for _ in range(2)]
        yield serve(sessions[0], PORT, "attacker"), serve(sessions[1], PORT, "victim")
        for session in sessions:
            session.delete().unwrap()


@pytest.fixture
def attacked(both: tuple[Served, Served], page: Page) -> tuple[Served, Served, Page]:
    """A browser in which the victim's page was opened, and the attacker's page is open."""
    attacker, victim = both
    for served in (victim, attacker):
        enter(page, served)
        served.seen()
    return attacker, victim, page


FETCH = """([url, options]) => fetch(url, options).then(answer => answer.text().then(text => answer.type + text),
                                                         () => "refused")"""


KEEP = """async () => { localStorage.kept = location.host; document.cookie = "kept=1; path=/";
                        await navigator.serviceWorker.register("/worker.js"); await navigator.serviceWorker.ready }"""
LOOK = """async () => [localStorage.kept ?? null, document.cookie,
                       (await navigator.serviceWorker.getRegistrations()).length]"""


@pytest.mark.parametrize(
    "options",
    [
        {"credentials": "include"},
        {"credentials": "include", "mode": "no-cors"},
        {"credentials": "include", "mode": "no-cors", "method": "POST", "body": "delete everything"},
        {"credentials": "include", "method": "PUT", "headers": {"x-own": "1"}},
    ],
    ids=["cors", "blind", "post", "preflight"],
)
def test_a_page_fetches_nothing_of_another_session(
    attacked: tuple[Served, Served, Page], options: dict[str, Any]
) -> None:
    attacker, victim, page = attacked
    said = page.evaluate(FETCH, [f"{victim.home}secret", options])
    assert "victim" not in said
    assert victim.seen() == []
    assert "attacker" in page.evaluate(FETCH, [f"{attacker.home}secret", options])  # its own, it may


def test_a_form_of_another_session_posts_nothing(attacked: tuple[Served, Served, Page]) -> None:
    _, victim, page = attacked
    page.evaluate(
        """url => { const form = document.createElement("form"); form.method = "post"; form.action = url;
                    document.body.append(form); form.submit() }""",
        f"{victim.home}secret",
    )
    page.wait_for_url(f"{victim.home}secret")
    assert victim.seen() == []
    assert "victim" not in page.content()


def test_a_frame_of_another_session_shows_nothing(attacked: tuple[Served, Served, Page]) -> None:
    _, victim, page = attacked
    page.evaluate(
        """url => new Promise(done => { const frame = document.createElement("iframe"); frame.src = url;
                    frame.onload = frame.onerror = done; document.body.append(frame) })""",
        f"{victim.home}secret",
    )
    assert victim.seen() == []


def test_a_websocket_of_another_sessions_page_is_refused(attacked: tuple[Served, Served, Page]) -> None:
    _, victim, page = attacked
    said = page.evaluate(
        """url => new Promise(done => { const socket = new WebSocket(url);
                    socket.onopen = () => done("open"); socket.onerror = () => done("refused") })""",
        victim.home.replace("http", "ws"),
    )
    assert said == "refused"
    assert victim.seen() == []


def test_a_window_of_another_session_cannot_be_read(attacked: tuple[Served, Served, Page]) -> None:
    _, victim, page = attacked
    with page.expect_popup() as opening:
        page.evaluate("url => { window.other = window.open(url) }", victim.link)
    opening.value.wait_for_url(victim.home)
    said = page.evaluate(
        "() => { try { return window.other.document.body.innerText } catch (error) { return error.name } }"
    )
    assert said == "SecurityError"
    opening.value.close()


def test_nothing_that_a_page_keeps_is_seen_by_another(
    attacked: tuple[Served, Served, Page], both: tuple[Served, Served]
) -> None:
    attacker, victim, page = attacked
    second = serve(attacker.session, OTHER_PORT, "second")
    page.evaluate(KEEP)
    assert page.evaluate(LOOK)[2] == 1
    for served, name in ((victim, "victim"), (second, "second")):
        enter(page, served)
        assert page.evaluate(LOOK) == [None, f"login={name}", 0]
    assert len({served.home for served in (attacker, victim, second)}) == 3


def test_a_browser_forgets_what_an_earlier_session_left_at_an_address(attacked: tuple[Served, Served, Page]) -> None:
    attacker, _, page = attacked
    page.evaluate(KEEP)
    enter(page, attacker)  # the same session's again: it finds what it kept
    assert page.evaluate(LOOK)[2] == 1
    page.context.clear_cookies(name="cove_session")  # as if another session had lived here
    enter(page, attacker)
    kept, _, workers = page.evaluate(LOOK)
    assert (kept, workers) == (None, 0)


def test_a_session_is_never_told_its_own_token_nor_is_a_script(attacked: tuple[Served, Served, Page]) -> None:
    attacker, _, page = attacked
    page.goto(f"{attacker.home}deeper")
    page.evaluate("() => fetch('/again', {credentials: 'include'}).then(answer => answer.text())")
    seen = attacker.seen()
    assert [each["request"] for each in seen] == ["GET /deeper", "GET /again"]
    assert attacker.token not in str(seen)
    assert "cove_link" not in str(seen)
    assert [each["cookie"] for each in seen] == ["login=attacker"] * 2
    assert attacker.token not in page.evaluate("() => document.cookie + document.referrer + location.href")


def test_a_token_is_in_no_referer_to_another_origin(attacked: tuple[Served, Served, Page]) -> None:
    attacker, victim, page = attacked
    enter(page, victim)
    page.evaluate(
        """url => new Promise(done => { const image = new Image(); image.onload = image.onerror = done;
                    image.referrerPolicy = "unsafe-url"; image.src = url; document.body.append(image) })""",
        f"{attacker.link}image",  # by its full address, so that it arrives
    )
    seen = attacker.seen()
    assert [each["request"] for each in seen] == ["GET /image"]
    assert victim.token not in str(seen)
