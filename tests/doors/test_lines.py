"""Request lines of every length, and clients who speak no HTTP."""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from tests.doors.house import House, leaks
from tests.doors.speaking import BY_ACTION, DIALECTS, PATIENCE, Dialect, Request, Rpc
from tests.waiting import until

KIB = 1024


@pytest.mark.parametrize("kib", [1, 64, 100, 200, 900])
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_request_line_may_be_long(house: House, dialect: Dialect, key: str, session: str, kib: int) -> None:
    asked = dialect.request(BY_ACTION["GetSessionDetail"], key, {dialect.case("session_id"): session})
    longer = f"{asked.target}{'&' if '?' in asked.target else '?'}{dialect.case('browser_option')}={'x' * kib * KIB}"
    told = dialect.read(
        house.line.send(Request(method=asked.method, target=longer, body=asked.body, headers=asked.headers))
    )
    assert told.data[dialect.case("status")] == "RUNNING"


GARBAGE: dict[str, Callable[[], bytes]] = {
    "a request line of two MiB": lambda: b"POST /?Action=" + b"x" * 2 * KIB * KIB,
    "a path of 100 KiB": lambda: b"POST /mcp/" + b"x" * 100 * KIB + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    "a head of 100,000 fields": lambda: b"POST /mcp HTTP/1.1\r\n" + b"a: b\r\n" * 100_000 + b"\r\n",
    "TLS": lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200 + b"\r\n\r\n",
    "another protocol": lambda: b"EHLO me\r\n\r\n",
    "bytes": lambda: bytes(range(256)) * 8 + b"\r\n\r\n",
    "two lengths": lambda: b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": lambda: (
        b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "a length that is none": lambda: b"POST /mcp HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "a chunk that is none": lambda: b"POST /mcp HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n",
}


@pytest.mark.parametrize("said", GARBAGE)
def test_whoever_speaks_no_http_is_answered_or_hung_up_on_and_logged_once(house: House, said: str) -> None:
    since, place = house.log_mark(), urlsplit(house.url)
    with socket.create_connection((place.hostname or "", place.port or 0), PATIENCE) as line:
        answer = _spoken(line, GARBAGE[said]())
    assert answer[:13] in {b"", b"HTTP/1.1 400 ", b"HTTP/1.1 401 "}, answer[:200]
    assert not leaks(answer.decode("latin-1"))
    lines = until(lambda: house.logged(since), "a line in the log")
    assert len(lines) == 1, lines
    assert not leaks(str(lines))
    assert house.ask(Rpc(), "ListSession", house.new_key()).data == []


def _spoken(line: socket.socket, data: bytes) -> bytes:
    """What comes back until the other end hangs up, or the first answer is there."""
    try:
        line.sendall(data)
        return line.recv(65536)
    except ConnectionError:
        return b""
