"""Clients that begin and do not go on, that take nothing, and that are too many: over each of the doors."""

import asyncio
import contextlib
import datetime
import json
import shutil
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from cove.app.certificates import issue, make_authority, make_key
from cove.app.data import DataDir
from cove.app.doors import open_tcp, open_unix
from cove.app.patience import Bounds
from cove.app.web import _Server, http_config
from cove.gateway import Contexts

pytestmark = pytest.mark.anyio
HASTE = Bounds(head=0.3, silence=0.3, rate=1000, keep=0.6)
"""For whom the end of patience is sure, whatever came before it."""
PATIENT = Bounds(head=20, silence=0.3, rate=1000, keep=3)
"""For clients whose head must have come, or who ask again: a machine that stands still may not take them for slow."""
STEADY = Bounds(head=3, silence=3, rate=1000, keep=3)
"""For clients who are to be too slow with a head, or never slow enough."""
HURRIED = Bounds(head=3, silence=3, rate=1000, keep=0.3)
"""For clients whose next request has begun to come before the last one was answered: they are not idle."""
FEW = Bounds(most=3, reserved=2)
LENGTH = b"POST / HTTP/1.1\r\nHost: cove\r\nContent-Length: 20000\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: cove\r\n\r\n"
REFUSED = {
    "event": "refused",
    "log_level": "info",
    "dialect": "native",
    "error": "RequestTooSlow",
    "status": 408,
}
DOORS = ("tcp", "unix", "tls")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    """As `cove up` runs it."""
    return "asyncio", {"use_uvloop": True}


@contextlib.contextmanager
def log() -> Iterator[list[Any]]:
    """What is logged meanwhile."""
    was_configured = structlog.is_configured()
    try:
        with capture_logs() as lines:
            yield lines
    finally:
        if not was_configured:
            structlog.reset_defaults()


class Application:
    """Answers how long a request's body was; at `/big` with more than anybody takes unread, at `/slow` when it may."""

    def __init__(self) -> None:
        self.asked, self.may_answer, self.was_cut = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.asked.set()
        if scope["path"] == "/slow":
            await self.may_answer.wait()
        body = b"x" * 2**26 if scope["path"] == "/big" else b"%d" % await self._length(scope["path"], receive)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    async def _length(self, path: str, receive: Any) -> int:
        size, more = 0, path != "/early"
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.was_cut.set()
                break
            size, more = size + len(message["body"]), message["more_body"]
        return size


class Line:
    """A client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self) -> tuple[int, bytes]:
        """The status and the body of the next answer; (0, b"") where the other end has hung up."""
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0, b""
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return int(head.split()[1]), await self.reader.readexactly(length)

    async def is_over(self) -> bool:
        """Whether the other end hangs up now, without another word."""
        try:
            return await self.reader.read(1) == b""
        except ConnectionError:
            return True


class House:
    """A server at one door."""

    def __init__(self, application: Application, server: _Server, door: socket.socket, authority: str) -> None:
        self.application, self._server, self._door, self._authority = application, server, door, authority

    async def emptied(self) -> None:
        """Once it has no connection."""
        while self._server.server_state.connections:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def line(self, said: bytes = b"") -> AsyncIterator[Line]:
        """A connection on which this has been said."""
        address = self._door.getsockname()
        if self._door.family == socket.AF_UNIX:
            reader, writer = await asyncio.open_unix_connection(address)
        else:
            trust = ssl.create_default_context(cadata=self._authority) if self._authority else None
            reader, writer = await asyncio.open_connection(*address, ssl=trust)
        writer.write(said)
        try:
            yield Line(reader, writer)
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(kind: str, bounds: Bounds = HASTE) -> AsyncIterator[House]:
    """A server with these bounds."""
    started, application = asyncio.Event(), Application()
    server = _Server(http_config(application, bounds), started.set, lambda: False)
    server.config.lifespan = "off"
    with _door(kind) as door:
        authority = ""
        if kind == "tls":
            authority, contexts = _contexts()
            server.secure([door], contexts)
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            task = tasks.create_task(server._serve([] if kind == "tls" else [door]))
            await started.wait()
            yield House(application, server, door, authority)
            application.may_answer.set()
            server.should_exit = True
            await task


@contextlib.contextmanager
def _door(kind: str) -> Iterator[socket.socket]:
    if kind != "unix":
        with open_tcp("127.0.0.1", 0) as door:
            yield door
        return
    root = Path(tempfile.mkdtemp(dir="/tmp"))
    data = DataDir(root)
    data.prepare()
    with open_unix(data) as door:
        yield door
    shutil.rmtree(root)


def _contexts() -> tuple[str, Contexts]:
    now = datetime.datetime.now(datetime.UTC)
    authority = make_authority(("127.0.0.1",), now)
    pair = issue(authority, make_key(), ["127.0.0.1"], now)

    async def certify(_: str) -> str:
        return pair.certificate + pair.key

    return authority.certificate, Contexts(certify)


@pytest.mark.parametrize("door", DOORS)
async def test_client_that_never_asks_is_hung_up_on(door: str) -> None:
    async with serving(door) as house, house.line() as line:
        assert await line.is_over()


@pytest.mark.parametrize("door", DOORS)
async def test_client_of_half_a_head_is_told_and_hung_up_on(door: str) -> None:
    with log() as logged:
        async with serving(door, STEADY) as house, house.line(GET[:-5] + b"\r\nX-Secret: s3cret") as line:
            status, body = await line.answer()
            assert (status, json.loads(body)["error"]["code"]) == (408, "RequestTooSlow")
            assert await line.is_over()
    assert logged == [REFUSED | {"asks": "a head is coming"}]


@pytest.mark.parametrize("door", DOORS)
async def test_client_of_half_a_body_is_told_and_hung_up_on(door: str) -> None:
    with log() as logged:
        async with serving(door, PATIENT) as house, house.line(LENGTH + b"half") as line:
            assert (await line.answer())[0] == 408
            assert await line.is_over()
            await house.application.was_cut.wait()
    assert logged == [REFUSED | {"asks": "a body is coming"}]


@pytest.mark.parametrize(("said", "bounds"), [(GET[:-2], STEADY), (LENGTH, PATIENT)])
async def test_single_bytes_now_and_then_keep_no_connection(said: bytes, bounds: Bounds) -> None:
    async with serving("tcp", bounds) as house, house.line(said) as line:
        heard = asyncio.create_task(line.answer())
        while not heard.done():
            line.writer.write(b"x")
            await asyncio.wait([heard], timeout=0.05)
        assert (await heard)[0] == 408


@pytest.mark.parametrize("door", DOORS)
async def test_slow_but_steady_upload_goes_on_beyond_every_bound(door: str) -> None:
    async with serving(door, STEADY) as house, house.line(LENGTH) as line:
        begun = asyncio.get_running_loop().time()
        for _ in range(20):
            line.writer.write(b"x" * 1000)
            await asyncio.sleep(0.25)  # it is the slowness that is tested
        assert asyncio.get_running_loop().time() - begun > 1.5 * STEADY.silence
        assert await line.answer() == (200, b"20000")


@pytest.mark.parametrize("bounds", [STEADY, HURRIED])
async def test_answer_may_take_longer_than_any_request(bounds: Bounds) -> None:
    said = GET.replace(b"/", b"/slow", 1) + GET[:-5]
    async with serving("tcp", bounds) as house, house.line(said) as line:
        heard = asyncio.create_task(line.answer())
        assert not (await asyncio.wait([heard], timeout=1.5 * bounds.head))[0]
        house.application.may_answer.set()
        assert await heard == (200, b"0")
        assert (await line.answer())[0] == 408  # the half that came after it


async def test_connection_is_kept_between_requests_and_not_for_ever() -> None:
    async with serving("tcp", PATIENT) as house, house.line() as line:
        for _ in range(3):
            line.writer.write(GET)
            assert await line.answer() == (200, b"0")
        line.writer.write(b"\r\n")  # no request, and no reason to wait longer
        assert await line.is_over()


async def test_rest_of_a_body_that_was_answered_early_is_not_waited_for() -> None:
    async with serving("tcp", PATIENT) as house, house.line(LENGTH.replace(b"/", b"/early", 1) + b"half") as line:
        assert await line.answer() == (200, b"0")
        assert await line.is_over()


@pytest.mark.parametrize("door", DOORS)
async def test_client_that_takes_nothing_of_its_answer_is_cut_off(door: str) -> None:
    async with serving(door, PATIENT) as house, house.line(GET.replace(b"/", b"/big", 1)) as line:
        line.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await house.application.asked.wait()
        await house.emptied()


@pytest.mark.parametrize("door", ["tcp", "tls"])
async def test_one_connection_too_many_is_told_so_and_there_is_room_again(door: str) -> None:
    with log() as logged:
        await _crowd(door)
    assert [(line["event"], line["open"]) for line in logged] == [("connections are turned away", 3)]


async def _crowd(door: str) -> None:
    async with serving(door, FEW) as house:
        async with house.line(GET) as one, house.line(GET) as two, house.line(GET) as three:
            assert [(await each.answer())[0] for each in (one, two, three)] == [200] * 3
            for _ in range(3):
                async with house.line(GET) as late:
                    status, body = await late.answer()
                    assert (status, json.loads(body)["error"]["code"]) == (503, "TooManyConnections")
            one.writer.write(GET)
            assert (await one.answer())[0] == 200
        async with asyncio.timeout(30):
            while True:
                async with house.line(GET) as again:
                    if (await again.answer())[0] == 200:
                        break


async def test_at_the_unix_socket_there_is_room_for_a_few_more() -> None:
    async with serving("unix", FEW) as house, contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(house.line(GET)) for _ in range(6)]
        assert [(await line.answer())[0] for line in lines] == [200] * 5 + [503]


async def test_head_that_does_not_end_is_refused_before_it_takes_memory() -> None:
    async with serving("tcp", Bounds()) as house, house.line(GET[:-2] + b"X-Long: ") as line:
        with contextlib.suppress(ConnectionError):
            for _ in range(512):
                line.writer.write(b"x" * 65536)
                await line.writer.drain()
        assert (await line.answer())[0] in {0, 400}


@pytest.mark.parametrize(
    ("said", "reason"),
    [  # one packet, or nothing beyond what is wrong: what is unread when a server closes may cost its client the answer
        (b"EHLO me\r\n\r\n", "Invalid method"),
        (GET[:-2] + b"X: \0\r\n\r\n", "Invalid header value"),
        (b"GET /" + b"a" * 2**20, "a request line of more than 1048576 bytes"),
    ],
)
async def test_what_is_no_http_is_refused_in_the_form_of_every_refusal_and_says_why(said: bytes, reason: str) -> None:
    async with serving("tcp", Bounds()) as house, house.line(said) as line:
        status, body = await line.answer()
        error = json.loads(body)["error"]
        assert (status, error["code"], error["facts"]["name"]) == (400, "InvalidInput", "request")
        assert reason in error["message"]
        assert error["facts"]["value"].encode("latin-1") in said
        assert await line.is_over()
