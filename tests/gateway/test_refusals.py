"""Whom the gateway turns away, and what it says."""

import asyncio
import time

import pytest
from tests.gateway.fake_door import PORT, SESSION, token_of
from tests.gateway.world import PATIENCE, Caller, World, answering, deaf_port, hanging, request_head, running_world

from cove.core.errors import (
    CoveError,
    GuestSilent,
    LinkExpired,
    LinkRevoked,
    SandboxGone,
    SessionNotFound,
    SessionPaused,
)
from cove.core.ids import SessionId

pytestmark = [pytest.mark.anyio, pytest.mark.claim("links")]


@pytest.mark.parametrize(
    ("refusal", "status", "sentence"),
    [
        (LinkExpired(session_id="s-one"), 410, "the link to session 's-one' has expired"),
        (LinkRevoked(session_id="s-one"), 410, "the link to session 's-one' was revoked"),
        (SessionNotFound(session_id="s-one"), 404, "no session 's-one'"),
    ],
)
async def test_a_token_that_opens_nothing_is_told_why(
    world: World, refusal: CoveError, status: int, sentence: str
) -> None:
    world.door.tokens[token_of("a")] = refusal

    answer = await world.get(f"/_cove/{token_of('a')}/")

    assert answer.status == status
    assert sentence in answer.text
    assert answer.one("connection") == "close"
    assert answer.one("cache-control") == "no-store"


@pytest.mark.parametrize(
    "target",
    ["/", "/_cove/", "/_cove/short/", f"/_cove/{token_of('b')}/", "/_cove/" + "a" * 64, "/_COVE/x", "/_cove/../x"],
)
async def test_without_a_token_of_ours_nothing_is_shown(world: World, target: str) -> None:
    await world.inside(answering())
    world.door.link("a")

    answer = await world.get(target)

    assert answer.status == 403
    assert "this is no link of this Cove" in answer.text
    assert world.door.dials == 0


@pytest.mark.parametrize(
    ("second", "status"),
    [
        ("GET /_cove/TOKEN/ HTTP/1.1\nHost: evil.example\n\n", 421),
        ("GET /a b HTTP/1.1\n\n", 400),
        ("GET / HTTP/1.1\nHost: HOST\n\n", 403),
    ],
)
async def test_a_refusal_is_told_on_a_connection_that_was_of_use_before(world: World, second: str, status: int) -> None:
    await world.inside(answering())
    token = world.door.link()
    caller = await world.connect()
    await caller.send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {world.host}\n\n")
    assert (await caller.answer()).status == 200

    await caller.send(second.replace("TOKEN", token).replace("HOST", world.host))

    assert (await caller.answer()).status == status


async def test_a_token_is_never_told_again(world: World) -> None:
    for target in (f"/_cove/{token_of('b')}/", f"/callTool?token={token_of('b')}&server=s&tool=t&args=%7B%7D"):
        answer = await world.get(target)
        assert token_of("b") not in answer.text


@pytest.mark.parametrize(
    ("failure", "status", "sentence"),
    [
        (SessionPaused(session_id="s-one", state="paused", move="open the link"), 409, "call resume() first"),
        (SandboxGone(session_id="s-one", end_reason="lost"), 410, "has ended (lost)"),
        (GuestSilent(session_id="s-one", seconds=5.0), 504, "did not answer within 5.0 s"),
    ],
)
async def test_a_session_that_cannot_be_reached_is_said_so(
    world: World, failure: CoveError, status: int, sentence: str
) -> None:
    world.door.inside[SESSION, PORT] = failure

    answer = await world.get(f"/_cove/{world.door.link()}/")

    assert answer.status == status
    assert sentence in answer.text


async def test_nothing_listening_is_a_bad_gateway_that_names_the_port(world: World) -> None:
    with deaf_port() as world.door.inside[SESSION, PORT]:
        answer = await world.get(f"/_cove/{world.door.link()}/", "Accept: text/html")

    assert answer.status == 502
    assert answer.one("content-type") == "text/html; charset=utf-8"
    assert f"nothing listens on port {PORT}" in answer.text
    assert answer.one("retry-after")


async def test_a_defect_of_the_server_is_an_error_and_no_hang(world: World) -> None:
    world.door.inside[SESSION, PORT] = RuntimeError("within")

    answer = await world.get(f"/_cove/{world.door.link()}/")

    assert answer.status == 500
    assert "within" not in answer.text.replace("failed within", "")


@pytest.mark.claim("links-apart")
@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost:PORT", "127.128.0.2:PORT", "127.128.0.1", "127.128.0.1:1", "127.128.0.1:PORT@evil"],
)
async def test_a_strangers_host_is_misdirected(world: World, host: str) -> None:
    await world.inside(answering())
    token = world.door.link()

    answer = await world.ask(f"GET /_cove/{token}/ HTTP/1.1\nHost: {host.replace('PORT', str(world.port))}\n\n")

    assert answer.status == 421
    assert world.door.admissions == 0


@pytest.mark.claim("links-apart")
async def test_a_link_opens_nothing_at_another_sessions_address(world: World) -> None:
    await world.inside(answering())
    token = world.door.link()

    answer = await world.get(f"/_cove/{token}/", address="127.128.0.2")

    assert answer.status == 403
    assert "another address" in answer.text
    assert world.door.dials == 0


@pytest.mark.claim("links-apart")
async def test_two_living_sessions_never_share_an_address(world: World) -> None:
    await world.inside(answering())
    await world.inside(answering(), session=SessionId("s-two"))
    first, second = world.door.link("a"), world.door.link("b", session=SessionId("s-two"))

    assert (await world.get(f"/_cove/{first}/")).status == 200
    assert (await world.get(f"/_cove/{second}/")).status == 503
    world.door.watcher.closed(SESSION, None)
    world.door.tokens[first] = SessionNotFound(session_id=SESSION)
    assert (await world.get(f"/_cove/{first}/")).status == 404
    assert (await world.get(f"/_cove/{second}/")).status == 200


async def test_a_link_without_a_port_opens_no_page(world: World) -> None:
    answer = await world.get(f"/_cove/{world.door.link(port=None)}/")

    assert answer.status == 403
    assert "names no port" in answer.text


@pytest.mark.claim("links-apart")
@pytest.mark.parametrize(
    "fields",
    [
        ("Sec-Fetch-Site: cross-site",),
        ("Sec-Fetch-Site: same-site",),
        ("Origin: https://evil.example",),
        ("Origin: null",),
        ("Origin: http://127.128.0.1:1",),
        ("Sec-Fetch-Site: same-origin", "Origin: http://127.128.0.2"),
    ],
)
async def test_a_page_of_another_origin_cannot_use_the_cookie(world: World, fields: tuple[str, ...]) -> None:
    await world.inside(answering())

    answer = await world.get("/", f"Cookie: cove_link={world.door.link()}", *fields)

    assert answer.status == 403
    assert world.door.dials == 0


@pytest.mark.claim("links-apart")
@pytest.mark.parametrize("fields", [(), ("Sec-Fetch-Site: same-origin",), ("Sec-Fetch-Site: none",), ("Origin: OWN",)])
async def test_the_sessions_own_pages_can_use_the_cookie(world: World, fields: tuple[str, ...]) -> None:
    await world.inside(answering())
    own = [field.replace("OWN", f"http://{world.host}") for field in fields]

    assert (await world.get("/", f"Cookie: cove_link={world.door.link()}", *own)).status == 200


async def test_a_revoked_link_is_refused_from_the_next_request_on(world: World) -> None:
    await world.inside(answering())
    token = world.door.link()
    assert (await world.get(f"/_cove/{token}/")).status == 200

    world.door.tokens[token] = LinkRevoked(session_id=SESSION)
    world.door.watcher.closed(SESSION, "l-a")

    assert (await world.get(f"/_cove/{token}/")).status == 410


async def test_a_link_that_is_revoked_while_it_is_asked_about_opens_nothing(world: World) -> None:
    await world.inside(answering())
    first, second = world.door.link("a"), world.door.link("b")
    assert (await world.get(f"/_cove/{first}/")).status == 200  # from then on a connection lies ready

    world.door.to_revoke.add(second)

    assert (await world.get(f"/_cove/{second}/")).status == 410


async def test_revoking_one_link_leaves_the_others(world: World) -> None:
    await world.inside(answering())
    first, second = world.door.link("a"), world.door.link("b")
    assert (await world.get(f"/_cove/{first}/")).status == 200
    assert (await world.get(f"/_cove/{second}/")).status == 200

    world.door.watcher.closed(SESSION, "l-a")
    await world.get(f"/_cove/{second}/")

    assert world.door.admissions == 3  # one of them with the dial; the second was not asked about again


async def test_a_request_that_waits_when_its_link_is_revoked_is_told(world: World) -> None:
    asked = asyncio.Event()
    await world.inside(hanging(asked))
    waiting = asyncio.create_task(world.get(f"/_cove/{world.door.link()}/"))
    async with asyncio.timeout(PATIENCE):
        await asked.wait()

    world.door.watcher.closed(SESSION, None)

    assert (await waiting).status == 410


@pytest.mark.parametrize("link_id", ["l-a", None])
async def test_a_stream_is_cut_when_its_link_is_revoked_or_its_session_ends(world: World, link_id: str | None) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nbegun")
        await reader.read()

    await world.inside(endless)
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\n\n")
    await caller.head()
    async with asyncio.timeout(PATIENCE):
        await caller.reader.readuntil(b"begun\r\n")

    world.door.watcher.closed(SESSION, link_id)

    assert await caller.is_reset()


async def test_a_download_is_cut_when_its_link_is_revoked(world: World) -> None:
    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    await world.inside(pour)
    caller = await world.connect()
    await caller.send(f"GET /_cove/{world.door.link()}/ HTTP/1.1\nHost: {world.host}\n\n")
    await caller.head()
    async with asyncio.timeout(PATIENCE):
        await caller.reader.readexactly(50_000_000)

    world.door.watcher.closed(SESSION, "l-a")

    assert await caller.is_reset()


async def test_a_link_ends_in_the_middle_of_a_stream_when_its_time_is_over(world: World) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nbegun")
        await reader.read()

    await world.inside(endless)
    await world.get("/")  # the gateway stands before the time begins

    caller, token = await begun_before_its_end(world)

    assert await caller.is_reset()
    assert (await world.get(f"/_cove/{token}/")).status == 410


async def begun_before_its_end(world: World) -> tuple[Caller, str]:
    """A client whose answer has begun through a link that soon ends; the slower the machine, the later."""
    for letter, seconds in zip("abc", (3, 10, 30), strict=True):
        token = world.door.link(letter, expires_at=time.time() + seconds)
        caller = await world.connect()
        await caller.send(f"GET /_cove/{token}/ HTTP/1.1\nHost: {world.host}\n\n")
        if (status := (await caller.head()).status) == 200:
            break
        assert status == 410
    assert status == 200
    return caller, token


async def test_a_paused_session_is_dialled_anew(world: World) -> None:
    await world.inside(answering())
    token = world.door.link()
    assert (await world.get(f"/_cove/{token}/")).status == 200

    world.door.watcher.paused(SESSION)
    world.door.inside[SESSION, PORT] = SessionPaused(session_id="s-one", state="paused", move="open the link")

    assert (await world.get(f"/_cove/{token}/")).status == 409


@pytest.mark.claim("links-load")
async def test_one_sessions_flood_of_connections_leaves_room_for_another() -> None:
    async with running_world() as world:
        await world.inside(answering())
        await world.inside(answering(), session=SessionId("s-two"))
        hanging = asyncio.Event()

        async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            await hanging.wait()

        await world.inside(hang)
        flooded, other = world.door.link("a"), world.door.link("b", session=SessionId("s-two"), host="127.128.0.2")

        async def calling() -> Caller:
            caller = await world.connect()
            await caller.send(f"GET /_cove/{flooded}/ HTTP/1.1\nHost: {world.host}\n\n")
            return caller

        callers = await asyncio.gather(*(calling() for _ in range(2100)))

        assert (await world.get(f"/_cove/{other}/", address="127.128.0.2")).status == 200
        answers = [asyncio.create_task(caller.answer()) for caller in callers]
        done, hung = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        refused = done.pop().result()
        for each in hung:
            each.cancel()
        assert refused.status == 503
        assert "as many connections as they may" in refused.text
        hanging.set()


async def test_what_the_server_inside_is_told_names_no_other_session(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(requests=seen))

    await world.get("/", f"Cookie: cove_link={world.door.link()}; cove_link={token_of('b')}")

    assert "Cookie" not in dict(request_head(seen[0])[1])
