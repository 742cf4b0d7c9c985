"""Links as their users have them: from either client through either door, opened by a program that knows no key."""

import asyncio
import inspect
import json
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

import cove

pytestmark = pytest.mark.anyio

PORT = 30117
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.path} at {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


async def opened(url: str, **options: Any) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        return await client.get(url, **options)


async def serve(session: Any, settled: Any, port: int = PORT) -> None:
    """A server in the session; the command ends at once and leaves it in the background."""
    (await settled(session.file_system.write_file("serve.py", SERVER))).unwrap()
    started = await settled(session.command.run(f"python3 serve.py {port} > serve.log 2>&1 < /dev/null &"))
    assert started.success, started.error_message


async def until(ask: Callable[[], Awaitable[Any]], is_it: Callable[[Any], bool]) -> Any:
    """The first answer that is it, or the last one before it took too long."""
    end = time.monotonic() + 60
    while True:
        found = await ask()
        if is_it(found) or time.monotonic() > end:
            return found
        await asyncio.sleep(0.05)


async def answered(url: str) -> httpx2.Response:
    """What the server inside says, once it listens."""
    found: httpx2.Response = await until(lambda: opened(url), lambda answer: answer.status_code != 502)
    return found


async def test_a_link_opens_what_a_session_serves(session: Any, settled: Any) -> None:
    made = await settled(session.get_link("https", PORT))
    assert (made.success, made.data.startswith("http"), bool(made.request_id)) == (True, True, True)
    nothing = await opened(made.data)
    assert nothing.status_code == 502
    assert f"nothing listens on port {PORT}" in nothing.text
    await serve(session, settled)
    first = await answered(made.data)
    assert (first.status_code, first.text) == (200, f"/ at localhost:{PORT}")
    deeper = await opened(f"{made.data}a/b?c=d")
    assert deeper.text == f"/a/b?c=d at localhost:{PORT}"


async def test_what_is_asked_for_decides_the_scheme(shared: Any, settled: Any) -> None:
    page = (await settled(shared.get_link(protocol_type="https", port=PORT))).unwrap()
    socket = (await settled(shared.get_link("wss", PORT, "{}"))).unwrap()
    plain = (await settled(shared.get_link(port=PORT))).unwrap()
    assert [url.partition("://")[0] for url in (page, socket, plain)] == ["http", "ws", "ws"]
    assert socket == plain


async def test_get_link_async_is_awaited_in_both_clients(shared: Any, settled: Any) -> None:
    waiting = shared.get_link_async("https", PORT)
    assert inspect.iscoroutine(waiting)
    assert (await waiting).data == (await settled(shared.get_link("https", PORT))).data
    with pytest.raises(cove.SessionError, match="Invalid port value: 1"):
        await shared.get_link_async(port=1)


@pytest.mark.parametrize("port", [30099, 30200, 0, -30150, 30150.5, "30150", "many", True])
async def test_a_wrong_port_raises_in_the_documents_words(shared: Any, settled: Any, port: Any) -> None:
    with pytest.raises(cove.SessionError) as refused:
        await settled(shared.get_link("https", port))
    assert str(refused.value) == f"Invalid port value: {port}. Port must be an integer in the range [30100, 30199]."
    assert isinstance(refused.value.__cause__, cove.InvalidPort)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "only BrowserUse image support cdp"),
        ({"protocol_type": "https"}, "only BrowserUse image support cdp"),
        ({"protocol_type": "http", "port": PORT}, "http not supported"),
        ({"protocol_type": "gopher", "port": PORT}, "'https' or 'wss'"),
        ({"port": PORT, "expires_in": 1e10}, "expires_in"),
    ],
)
async def test_what_no_link_can_be_raises(shared: Any, settled: Any, wanted: dict[str, Any], words: str) -> None:
    with pytest.raises(cove.SessionError, match=words):
        await settled(shared.get_link(**wanted))


async def test_arguments_that_nobody_could_send_raise_at_once(shared: Any, settled: Any) -> None:
    for wanted in ({"port": object()}, {"port": PORT, "expires_in": -1}, {"port": float("nan")}):
        with pytest.raises(cove.InvalidInput):
            await settled(shared.get_link(**wanted))


async def test_a_links_time_ends(session: Any, settled: Any) -> None:
    url = (await settled(session.get_link("https", PORT, expires_in=1))).unwrap()
    answer = await answered(url)
    assert answer.status_code == 410
    assert "expired" in answer.text


async def test_links_are_listed_and_taken_back(session: Any, settled: Any) -> None:
    url = (await settled(session.get_link("https", PORT))).unwrap()
    other = (await settled(session.get_link("https", PORT + 1, expires_in=60))).unwrap()
    links = (await settled(session.list_links())).unwrap()
    assert [(link.url, link.port, link.protocol) for link in links] == [
        (url, PORT, "https"),
        (other, PORT + 1, "https"),
    ]
    assert [link.expires_at is None for link in links] == [True, False]
    assert (await settled(session.revoke_link(links[0].link_id))).unwrap() == 1
    gone = await opened(url)
    assert (gone.status_code, "revoked" in gone.text) == (410, True)
    assert (await opened(other)).status_code == 502
    refused = await settled(session.revoke_link("l-0"))
    assert (refused.success, refused.code) == (False, "LinkNotFound")
    fresh = (await settled(session.get_link("https", PORT))).unwrap()
    assert (await settled(session.revoke_link())).unwrap() == 2
    assert (await settled(session.list_links())).unwrap() == []
    assert [(await opened(each)).status_code for each in (other, fresh)] == [410, 410]


async def test_a_session_that_ended_has_no_links(session: Any, settled: Any) -> None:
    url = (await settled(session.get_link("https", PORT))).unwrap()
    assert (await settled(session.delete())).success
    assert (await opened(url)).status_code == 404
    with pytest.raises(cove.SessionError, match="no session"):
        await settled(session.get_link("https", PORT))
    for refused in (await settled(session.list_links()), await settled(session.revoke_link())):
        assert (refused.success, refused.code) == (False, "SessionNotFound")


async def test_a_link_wakes_nobody_who_was_paused_by_hand(session: Any, settled: Any) -> None:
    await serve(session, settled)
    url = (await settled(session.get_link("https", PORT))).unwrap()
    assert (await answered(url)).status_code == 200
    assert (await settled(session.pause())).success
    paused = await opened(url)
    assert (paused.status_code, "resume()" in paused.text) == (409, True)
    assert (await settled(session.resume())).success
    assert (await opened(url)).status_code == 200


async def test_a_session_paused_by_idleness_wakes_for_its_link(agent_bay: Any, settled: Any) -> None:
    made = await settled(agent_bay.create(cove.CreateSessionParams(idle_release_timeout=1)))
    session = made.unwrap()
    await serve(session, settled)
    url = (await settled(session.get_link("https", PORT))).unwrap()
    assert (await answered(url)).status_code == 200
    status = await until(lambda: settled(session.get_status()), lambda found: found.status == "PAUSED")
    assert status.status == "PAUSED"
    assert (await opened(url)).text == f"/ at localhost:{PORT}"
    await settled(session.delete())


async def test_agbs_session_has_links_too(agb_session: Any, settled: Any) -> None:
    url = (await settled(agb_session.get_link("https", PORT))).unwrap()
    assert url.startswith("http")
    with pytest.raises(cove.SessionError, match="Invalid port value: 80"):
        await settled(agb_session.get_link(port=80))


def curl(url: str) -> dict[str, Any]:
    """What curl makes of an address, as JSON."""
    command = ["curl", "--silent", "--noproxy", "*", "--max-time", "60", url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl")
async def test_the_vpc_route_answers_with_the_sessions_token(session: Any, settled: Any) -> None:
    assert session.is_vpc_enabled() is True
    place = f"http://{session.get_network_interface_ip()}:{session.get_http_port()}/callTool"
    arguments = quote(json.dumps({"command": "echo $((6 * 7))"}))
    query = f"server=wuying_shell&tool=shell&args={arguments}&requestId=vpc-1"
    answer = curl(f"{place}?{query}&token={session.get_token()}")
    assert answer["isError"] is False
    assert json.loads(answer["content"][0]["text"])["stdout"] == "42\n"
    wrong = curl(f"{place}?server=&tool=fly&args=%7B%7D&requestId=&token={session.get_token()}")
    assert (wrong["isError"], "no tool 'fly'" in wrong["content"][0]["text"]) == (True, True)
    for token in ("", "x", session.get_token()[:-1] + "!", "s" + 48 * "0"):
        assert (await opened(f"{place}?{query}&token={token}")).status_code == 403


async def test_one_sessions_token_opens_no_other(agent_bay: Any, session: Any, settled: Any) -> None:
    other = (await settled(agent_bay.create())).unwrap()
    place = f"http://{other.get_network_interface_ip()}:{other.get_http_port()}/callTool"
    query = {"server": "", "tool": "shell", "args": '{"command": "true"}', "requestId": "1"}
    theirs = await opened(place, params={**query, "token": other.get_token()})
    mine = await opened(place, params={**query, "token": session.get_token()})
    await settled(other.delete())
    assert (theirs.status_code, mine.status_code) == (200, 403)


async def test_the_vpc_facts_of_a_hand_made_handle_raise(agent_bay: Any, session: Any) -> None:
    handle = type(session)(agent_bay, session.session_id)
    for method in ("is_vpc_enabled", "get_network_interface_ip", "get_http_port", "get_token"):
        with pytest.raises(cove.NotSupported, match=r"agent_bay\.get\("):
            getattr(handle, method)()


async def test_the_vpc_facts_are_known_again_after_get(agent_bay: Any, session: Any, settled: Any) -> None:
    found = (await settled(agent_bay.get(session.session_id))).unwrap()
    for method in ("get_network_interface_ip", "get_http_port", "get_token"):
        assert getattr(found, method)() == getattr(session, method)() != ""
