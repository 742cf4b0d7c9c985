"""Common development servers work through a link as on one's own machine, and what is edited shows in the open page."""

import time
from collections.abc import Callable
from contextlib import suppress

import httpx2
import pytest
from playwright.sync_api import Error, Page, expect
from tests.links.conftest import FLASK, JUPYTER, NEXT, STREAMLIT, VITE, Development
from tests.waiting import until

pytestmark = pytest.mark.timeout(1800)  # the first run on a machine installs them
SECONDS = 180.0
ONE_REQUEST = 45.0
"""Seconds for a request that is made again if it is not answered, as a server's that restarts may not be."""
LATEST = 7
Look = Callable[[Page, str, float], bool]
MARK = "() => { window.isTheSame = true }"
IS_SAME = "() => window.isTheSame === true"


def opened(page: Page, development: Development, port: int, path: str = "") -> None:
    """Open a server's link, once it answers, and see that the browser is sent on to a clean path."""

    link = development.link(port)
    until(lambda: answers(link), f"{port} answers", SECONDS)
    page.goto(f"{link}{path}", wait_until="commit")
    page.wait_for_url(lambda url: "/_cove/" not in url)


def answers(link: str) -> bool:
    """Whether the server does, and does not break off because it restarts."""
    try:
        return httpx2.get(link, trust_env=False, timeout=ONE_REQUEST).status_code != 502
    except httpx2.TransportError:
        return False


def shows(page: Page, text: str, seconds: float = SECONDS) -> bool:
    """Whether the open page says it in time."""
    try:
        expect(page.locator("h1")).to_have_text(text, timeout=seconds * 1000)
    except AssertionError:
        return False
    return True


def shows_edits(page: Page, development: Development, path: str, name: str, look: Look = shows) -> bool:
    """Whether the page says what the file says. One edit may be too early: who just began does not look yet.

    Each next one has twice the time, for a machine on which the page is late by the same every time.
    """
    for number in range(2, LATEST):
        development.edit(path, f"says {number - 1}", f"says {number}")
        if look(page, f"{name} says {number}", 5 * 2 ** (number - 2)):
            return True
    return False


def shows_reloaded(page: Page, text: str, seconds: float) -> bool:
    """Whether it says so after a reload, of which some come while the server restarts."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(Error):
            page.reload(timeout=ONE_REQUEST * 1000)
        if shows(page, text, 1.0):
            return True
    return False


def test_flask_restarts_where_its_code_is_edited(development: Development, page: Page) -> None:
    opened(page, development, FLASK)
    assert shows(page, "Flask says 1")
    expect(page.locator("#host")).to_have_text(f"http://localhost:{FLASK}/")
    assert shows_edits(page, development, "flask_app.py", "Flask", shows_reloaded)


def test_vite_replaces_a_module_in_the_open_page(development: Development, page: Page) -> None:
    opened(page, development, VITE)
    assert shows(page, "Vite says 1")
    page.evaluate(MARK)
    assert shows_edits(page, development, "vite/said.js", "Vite")
    assert page.evaluate(IS_SAME)


def test_next_keeps_the_state_of_a_component_that_is_edited(development: Development, page: Page) -> None:
    opened(page, development, NEXT)
    assert shows(page, "Next says 1")
    count = until(lambda: clicked(page), "the page reacts", SECONDS)
    assert shows_edits(page, development, "next/app/page.jsx", "Next")
    assert int(page.locator("main button").inner_text()) >= count  # and not 0 again


def clicked(page: Page) -> int:
    """What the button counts after a click, if it counts already."""
    page.locator("main button").click()
    return int(page.locator("main button").inner_text())


def test_jupyter_runs_a_cell_of_a_notebook(development: Development, page: Page) -> None:
    opened(page, development, JUPYTER, "lab/tree/notebook.ipynb")
    expect(page.get_by_role("button", name="| Idle")).to_be_visible(timeout=SECONDS * 1000)  # cells run from then on
    page.locator(".jp-CodeCell .cm-content").click()
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output")).to_contain_text("Jupyter says 42", timeout=SECONDS * 1000)


def test_streamlit_shows_an_edit_in_the_open_page(development: Development, page: Page) -> None:
    opened(page, development, STREAMLIT)
    assert shows(page, "Streamlit says 1")
    page.evaluate(MARK)
    page.get_by_role("button", name="Press").click()
    expect(page.get_by_text("pressed")).to_be_visible()
    assert shows_edits(page, development, "streamlit_app.py", "Streamlit")
    assert page.evaluate(IS_SAME)
