"""Links to what a session serves."""

import urllib.request
from collections.abc import Callable
from typing import Any

from tests.contract.agentbay.words import refusal
from tests.contract.clients import ENOUGH, for_each
from tests.waiting import until

Make = Callable[..., Any]
PORTS = "must be an integer in the range [30100, 30199]"


def _fetch(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=60) as answer:
        return str(answer.read().decode())


@for_each()
def test_link_leads_to_the_port(make: Make) -> None:
    session = make()
    serve = "mkdir /tmp/s && cd /tmp/s && hostname > mine && (setsid python3 -m http.server 30110 >/dev/null 2>&1 &)"
    assert session.command.execute_command(serve, ENOUGH).success
    told = session.get_link("https", 30110)
    assert told.success, told
    assert told.request_id
    assert told.data.startswith("http"), told
    listening = "ss -Hltn sport = :30110"
    until(lambda: "30110" in session.command.execute_command(listening, ENOUGH).output, "the server listens")
    assert _fetch(f"{told.data}mine") == f"{session.session_id}\n"


@for_each()
def test_link_of_a_websocket_says_so(make: Make) -> None:
    session = make()
    assert session.get_link("wss", 30100).data.startswith("ws")
    assert session.get_link(port=30100).data.startswith("ws")


@for_each()
def test_ports_outside_of_the_range_are_refused_in_the_words_of_the_cloud(make: Make) -> None:
    session = make()
    for port in (80, 30099, 30200, -1, 0, "x", 30150.5):
        said = refusal(session.get_link, "https", port)
        assert PORTS in said, said
        assert str(port) in said


@for_each()
def test_links_that_the_cloud_does_not_give_are_refused(make: Make) -> None:
    session = make()
    assert "http not supported" in refusal(session.get_link, "http", 30100)
    assert "only BrowserUse image support cdp" in refusal(session.get_link)


@for_each(until="0.9.3")
def test_first_clients_ask_for_a_link_also_with_await(make: Make) -> None:
    told = make().get_link_async("https", 30100)
    assert told.data.startswith("http"), told


@for_each()
def test_ended_session_has_no_links(make: Make) -> None:
    session = make()
    assert session.delete().success
    assert "NotFound" in refusal(session.get_link, "https", 30100)
