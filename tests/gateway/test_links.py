"""A link, as programs and browsers use it."""

import asyncio
import random

import pytest
from tests.gateway.fake_door import PORT, token_of
from tests.gateway.world import PATIENCE, World, answering, request_head, running_world, saying

pytestmark = pytest.mark.anyio
BROWSER = ("Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Sec-Fetch-Site: cross-site", "Accept: text/html")


async def test_a_program_appends_paths_to_a_link(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(b"hello", "Content-Type: text/plain", requests=seen))

    answer = await world.get(f"/_cove/{world.door.link()}/deep/path?x=1&y=%20")

    assert (answer.status, answer.text, answer.one("content-type")) == (200, "hello", "text/plain")
    assert request_head(seen[0])[0] == "GET /deep/path?x=1&y=%20 HTTP/1.1"


@pytest.mark.parametrize(("appended", "inside"), [("", "/"), ("/", "/"), ("?a=1", "/?a=1"), ("//x", "//x")])
async def test_whatever_follows_the_token_is_the_path_inside(world: World, appended: str, inside: str) -> None:
    seen: list[bytes] = []
    await world.inside(answering(requests=seen))

    await world.get(f"/_cove/{world.door.link()}{appended}")

    assert request_head(seen[0])[0] == f"GET {inside} HTTP/1.1"


async def test_a_browser_gets_a_cookie_and_the_clean_path(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(b"page", requests=seen))
    token = world.door.link()

    first = await world.get(f"/_cove/{token}/notes?page=2", *BROWSER)

    assert first.status == 200
    assert not seen  # nothing of the session's is shown at the address that carries the token
    assert f"cove_link={token}; Path=/; HttpOnly; SameSite=Strict" in first.all("set-cookie")
    assert 'content="0;url=/notes?page=2"' in first.text
    assert first.one("referrer-policy") == "no-referrer"

    second = await world.get("/notes?page=2", f"Cookie: cove_link={token}", "Sec-Fetch-Site: same-origin")

    assert second.text == "page"
    assert request_head(seen[0])[0] == "GET /notes?page=2 HTTP/1.1"


async def test_what_an_earlier_session_left_in_a_browser_is_forgotten(world: World) -> None:
    await world.inside(answering())
    link = f"/_cove/{world.door.link()}/"

    first = await world.get(link, *BROWSER)

    assert first.one("clear-site-data") == '"storage"'
    seen = next(cookie.partition(";")[0] for cookie in first.all("set-cookie") if cookie.startswith("cove_session="))
    again = await world.get(link, *BROWSER, f"Cookie: {seen}")
    assert again.all("clear-site-data") == []
    another = await world.get(link, *BROWSER, f"Cookie: {seen}x")
    assert another.one("clear-site-data") == '"storage"'


@pytest.mark.parametrize(
    ("path", "shown"), [("//evil.example/x", "/evil.example/x"), ("/\\evil.example", "/evil.example")]
)
async def test_the_clean_path_names_no_other_host(world: World, path: str, shown: str) -> None:
    await world.inside(answering())

    answer = await world.get(f"/_cove/{world.door.link()}{path}", *BROWSER)

    assert f'content="0;url={shown}"' in answer.text


async def test_what_a_path_holds_cannot_become_part_of_the_page(world: World) -> None:
    await world.inside(answering())

    answer = await world.get(f'/_cove/{world.door.link()}/"><script>alert(1)</script>', *BROWSER)

    assert "<script>" not in answer.text


async def test_what_posts_to_a_link_is_answered_at_once(world: World) -> None:
    await world.inside(answering(b"done"))
    token = world.door.link()

    answer = await world.ask(
        f"POST /_cove/{token}/form HTTP/1.1\nHost: HOST\nSec-Fetch-Mode: navigate\nContent-Length: 3\n\n", b"a=1"
    )

    assert answer.text == "done"


async def test_the_server_inside_believes_it_is_at_localhost(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(requests=seen))
    origin = f"http://{world.host}"
    token = world.door.link()

    await world.get(
        "/x",
        f"Cookie: a=1; cove_link={token}; b=2",
        f"Origin: {origin}",
        f"Referer: {origin}/from?q=1",
        "Keep-Alive: 5",
    )
    await world.get(
        f"/_cove/{token}/x",
        f"Referer: {origin}/_cove/{token}/from",
        "X-Forwarded-For: 9.9.9.9",
        "Forwarded: for=9.9.9.9",
    )

    first, second = (dict(request_head(each)[1]) for each in seen)
    assert first["Host"] == f"localhost:{PORT}"
    assert first["Origin"] == f"http://localhost:{PORT}"
    assert first["Referer"] == f"http://localhost:{PORT}/from?q=1"
    assert first["Cookie"] == "a=1; b=2"
    assert "Keep-Alive" not in first
    assert "X-Forwarded-Host" not in first
    assert second["Referer"] == f"http://localhost:{PORT}/from"
    assert second["X-Forwarded-Host"] == world.host
    assert second["X-Forwarded-Proto"] == "http"
    assert second["X-Forwarded-For"] == "127.0.0.1"
    assert "Forwarded" not in second
    assert token not in repr(seen)


async def test_another_origins_headers_are_left_alone(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(requests=seen))

    await world.get(
        f"/_cove/{world.door.link()}/api", "Origin: https://app.example", "Referer: https://app.example/page"
    )

    fields = dict(request_head(seen[0])[1])
    assert (fields["Origin"], fields["Referer"]) == ("https://app.example", "https://app.example/page")


async def test_a_browser_gets_nothing_that_reaches_beyond_the_answer(world: World) -> None:
    await world.inside(
        answering(
            b"x",
            "Service-Worker-Allowed: /",
            'Clear-Site-Data: "*"',
            'Alt-Svc: h2="evil.example:443"',
            "Strict-Transport-Security: max-age=1",
            "Set-Cookie: cove_link=forged; Path=/",
            "Set-Cookie: own=1; Domain=example.org; Path=/",
            "Connection: X-Hop",
            "X-Hop: 1",
            "X-Kept: 1",
        )
    )

    answer = await world.get(f"/_cove/{world.door.link()}/")

    names = {name.lower() for name, _ in answer.fields}
    assert names == {"content-length", "set-cookie", "x-kept"}
    assert answer.all("set-cookie") == ["own=1; Path=/"]


@pytest.mark.parametrize(
    ("location", "by_token", "by_cookie"),
    [
        (f"http://localhost:{PORT}/next", "/_cove/TOKEN/next", "/next"),
        (f"http://127.0.0.1:{PORT}", "/_cove/TOKEN/", "/"),
        ("/login?next=/", "/_cove/TOKEN/login?next=/", "/login?next=/"),
        ("next", "next", "next"),
        ("https://example.org/", "https://example.org/", "https://example.org/"),
        ("http://localhost:9999/x", "http://localhost:9999/x", "http://localhost:9999/x"),
    ],
)
async def test_a_redirect_leads_back_through_the_link(
    world: World, location: str, by_token: str, by_cookie: str
) -> None:
    await world.inside(answering(b"", f"Location: {location}", status="302 Found"))
    token = world.door.link()

    first = await world.get(f"/_cove/{token}/a")
    second = await world.get("/a", f"Cookie: cove_link={token}")

    assert first.one("location") == by_token.replace("TOKEN", token)
    assert second.one("location") == by_cookie


async def test_bodies_go_both_ways_by_length_and_in_chunks(world: World) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        if "transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
        else:
            body = await reader.readexactly(int(head.partition("content-length: ")[2].split()[0]))
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body))
        await writer.drain()

    await world.inside(echo)
    token, body = world.door.link(), bytes(range(256)) * 8192
    chunked = (
        b"".join(b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:]))
        + b"0\r\nTrailer: x\r\n\r\n"
    )

    by_length = await world.ask(f"PUT /_cove/{token}/ HTTP/1.1\nHost: HOST\nContent-Length: {len(body)}\n\n", body)
    in_chunks = await world.ask(f"PUT /_cove/{token}/ HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n\n", chunked)

    assert by_length.body == body
    assert in_chunks.body == body


@pytest.mark.parametrize("size", [262_143, 262_144, 262_145, 1_000_003, 50_000_000])
async def test_large_bodies_arrive_whole_and_leave_the_connection_usable(world: World, size: int) -> None:
    body = random.Random(size).randbytes(size)
    await world.inside(answering(body))
    token = world.door.link()
    caller = await world.connect()

    for _ in range(2):
        await caller.send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {world.host}\n\n")
        assert (await caller.answer()).body == body
    assert world.door.dials == 1


async def test_large_bodies_sent_ahead_of_each_other_keep_apart(world: World) -> None:
    async def twice(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for letter in (b"a", b"b", b"c"):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + letter * 3_000_000)
            await writer.drain()

    await world.inside(twice)
    token = world.door.link()
    caller = await world.connect()
    await caller.send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {world.host}\n\n" * 3)

    assert [set((await caller.answer()).body) for _ in range(3)] == [{97}, {98}, {99}]


async def test_a_client_that_expects_a_word_before_its_body_gets_it(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(b"ok", requests=seen))
    caller = await world.connect()
    await caller.send(
        f"POST /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\nExpect: 100-continue\nContent-Length: 2\n\n"
    )

    assert (await caller.head()).status == 100
    caller.writer.write(b"hi")
    assert (await caller.answer()).status == 200
    assert "expect" not in seen[0].decode().lower()


@pytest.mark.parametrize(
    ("method", "raw", "status"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 200),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304),
        ("GET", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204),
    ],
)
async def test_answers_without_a_body_leave_the_connection_usable(
    world: World, method: str, raw: bytes, status: int
) -> None:
    await world.inside(saying(raw))
    caller = await world.connect()
    for _ in range(2):
        await caller.send(f"{method} /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\n\n")
        found = await caller.answer(has_body=False)
        assert found.status == status
    if method == "HEAD":
        assert found.one("content-length") == "500"


async def test_a_server_of_http_1_0_is_read_to_its_end(world: World) -> None:
    await world.inside(saying(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\nall of it"))
    token = world.door.link()
    caller = await world.connect()

    for _ in range(2):  # the client's own connection goes on
        await caller.send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {world.host}\n\n")
        assert (await caller.answer()).text == "all of it"


async def test_a_client_of_http_1_0_gets_no_chunks(world: World) -> None:
    await world.inside(saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))

    answer = await world.ask(f"GET /_cove/{world.door.link()}/ HTTP/1.0\nHost: HOST\n\n")

    assert (answer.body, answer.one("connection"), answer.all("transfer-encoding")) == (b"abc", "close", [])


async def test_events_arrive_one_by_one_as_they_are_sent(world: World) -> None:
    go_on = asyncio.Event()

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            writer.write(b"data: %d\n\n" % number)
            await writer.drain()
            await go_on.wait()
            go_on.clear()

    await world.inside(stream)
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\n\n")
    await caller.head()

    chunks = caller.chunks()
    for number in range(3):  # each before the server sends the next
        async with asyncio.timeout(PATIENCE):
            assert await anext(chunks) == b"data: %d\n\n" % number
        go_on.set()


async def test_requests_sent_ahead_are_answered_in_their_order(world: World) -> None:
    async def name(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    await world.inside(name)
    token = world.door.link()
    caller = await world.connect()
    await caller.send("".join(f"GET /_cove/{token}/{letter} HTTP/1.1\nHost: {world.host}\n\n" for letter in "abc"))

    assert [(await caller.answer()).text for _ in "abc"] == ["/a", "/b", "/c"]


async def test_a_server_is_dialled_once_for_many_small_requests(world: World) -> None:
    await world.inside(answering())
    token = world.door.link()
    for _ in range(20):
        assert (await world.get(f"/_cove/{token}/")).status == 200

    assert world.door.dials == 1
    assert world.door.admissions == 2  # once to let in, and once more with the dial


async def test_a_connection_that_the_server_closed_meanwhile_is_dialled_anew(world: World) -> None:
    await world.inside(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))  # it closes without a word
    token = world.door.link()
    for _ in range(5):
        assert (await world.get(f"/_cove/{token}/")).text == "ok"


async def test_flowing_bytes_count_as_use(fresh: World) -> None:
    await fresh.inside(answering())

    await fresh.get(f"/_cove/{fresh.door.link()}/")

    async with asyncio.timeout(PATIENCE):
        await fresh.door.used_once.wait()
    assert set(fresh.door.uses) == {"s-one"}


async def test_below_a_wildcard_the_host_is_the_link() -> None:
    async with running_world("https://*.links.example.org") as world:
        seen: list[bytes] = []
        await world.inside(answering(b"hello", requests=seen))
        token = world.door.link(host=f"{token_of('a')}.links.example.org")
        named = f"Host: {token}.LINKS.example.org"

        answer = await world.ask(f"GET /path HTTP/1.1\n{named}\n\n", address="127.0.0.1")
        stranger = await world.ask("GET / HTTP/1.1\nHost: links.example.org\n\n", address="127.0.0.1")
        unknown = await world.ask(f"GET / HTTP/1.1\nHost: {token_of('x')}.links.example.org\n\n", address="127.0.0.1")

    assert answer.text == "hello"
    fields = dict(request_head(seen[0])[1])
    assert fields["X-Forwarded-Host"] == f"{token}.links.example.org"
    assert fields["X-Forwarded-Proto"] == "https"
    assert stranger.status == 421
    assert unknown.status == 403


async def test_tools_are_called_at_the_sessions_own_address(world: World) -> None:
    token = world.door.link(port=None)
    world.door.results["shell"] = {"content": [{"type": "text", "text": "x" * 300_000}], "isError": False}

    query = f"server=wuying_shell&tool=shell&args=%7B%22command%22%3A%22ls%22%7D&token={token}&requestId=r1"
    answer = await world.ask(f"GET /callTool?{query} HTTP/1.1\nHost: HOST\nUser-Agent: python-requests/2\n\n")

    assert answer.status == 200
    assert answer.one("content-type").startswith("application/json")
    assert len(answer.body) > 300_000
    assert world.door.calls == [("shell", {"command": "ls"}, "r1", "python-requests/2")]


@pytest.mark.parametrize("arguments", ["%7B", "%5B%5D", "7", "%5B" * 5000])
async def test_arguments_of_a_tool_are_a_json_object(world: World, arguments: str) -> None:
    answer = await world.get(f"/callTool?server=s&tool=shell&args={arguments}&token={world.door.link()}")

    assert answer.status == 400
    assert "give a JSON object" in answer.text


async def test_one_token_cannot_take_all_the_room_for_tools(world: World) -> None:
    token = world.door.link(port=None)
    other = world.door.link("b", port=None)
    world.door.results["shell"] = {"content": [], "isError": False}
    query = f"/callTool?server=s&tool=shell&args=%7B%7D&token={token}"
    world.door.calls_wait.clear()
    running = [asyncio.create_task(world.get(query)) for _ in range(16)]
    async with asyncio.timeout(PATIENCE):
        while len(world.door.calls) < 16:  # noqa: ASYNC110 - the fake tells nobody
            await asyncio.sleep(0.01)

    assert (await world.get(query)).status == 503
    world.door.calls_wait.set()
    assert {answer.status for answer in await asyncio.gather(*running)} == {200}
    assert (await world.get(query.replace(token, other))).status == 200


async def test_a_tool_is_called_by_nobody_without_the_token(world: World) -> None:
    assert (await world.get("/callTool?server=s&tool=shell&args=%7B%7D")).status == 403
    assert (await world.get(f"/callTool?server=s&tool=shell&args=%7B%7D&token={token_of('z')}")).status == 403
    assert (
        await world.ask(f"POST /callTool?token={token_of('z')} HTTP/1.1\nHost: HOST\nContent-Length: 0\n\n")
    ).status == 400
    assert world.door.calls == []
