"""The relay as an HTTP proxy, for sandboxes whose kernel has no redirect: programs find it by `http_proxy`.

It serves `CONNECT host:port` and `GET http://host/…`, each for one upstream, which the session's policy judges as ever.
All input is hostile.
"""

import asyncio
import re
import socket

import msgspec

_MOST_BYTES = 16 * 1024
_SECONDS = 10.0
_CONNECT = re.compile(rb"CONNECT (\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):([0-9]{1,5}) HTTP/1\.[01]")
_ABSOLUTE = re.compile(
    rb"([A-Z]{1,20}) http://(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]?#]+)(?::([0-9]{1,5}))?(/\S*)? HTTP/1\.[01]"
)
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")
_OURS = (b"host", b"proxy-connection", b"proxy-authorization", b"connection", b"keep-alive")
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSALS = {403: "Forbidden", 502: "Bad Gateway"}


class Opening(msgspec.Struct, frozen=True):
    """What is said before bytes are carried: to the session once its upstream stands, and to the upstream."""

    to_session: bytes = b""
    to_upstream: bytes = b""


class Wish(msgspec.Struct, frozen=True):
    """What a proxy was asked for: where to, and what is then said."""

    host: str
    port: int
    opening: Opening


async def receive_wish(connection: socket.socket) -> Wish:
    """Read one request; raises ValueError for what is none of ours, OSError, and TimeoutError."""
    received, loop = bytearray(), asyncio.get_running_loop()
    async with asyncio.timeout(_SECONDS):
        while b"\r\n\r\n" not in received:
            piece = await loop.sock_recv(connection, _MOST_BYTES)
            received += piece
            if not piece or len(received) > _MOST_BYTES:
                raise ValueError("no head of a request")
    return parse_wish(bytes(received))


def parse_wish(received: bytes) -> Wish:
    """The request in these bytes, a whole head and what came with it; raises ValueError.

    >>> parse_wish(b"GET http://a.test:81/x HTTP/1.1\\r\\nHost: a.test\\r\\nConnection: keep-alive\\r\\n\\r\\n").opening
    Opening(to_session=b'', to_upstream=b'GET /x HTTP/1.1\\r\\nHost: a.test:81\\r\\nConnection: close\\r\\n\\r\\n')
    """
    head, _, rest = received.partition(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    if not all(map(_FIELD.fullmatch, fields)):
        raise ValueError("a malformed field")
    if match := _CONNECT.fullmatch(line):
        if rest:
            raise ValueError("words before the answer to CONNECT")
        return Wish(_host(match[1]), _port(match[2]), Opening(to_session=_ESTABLISHED))
    if match := _ABSOLUTE.fullmatch(line):
        kept = [field for field in fields if field.partition(b":")[0].lower() not in _OURS]
        start = b"%s %s HTTP/1.1" % (match[1], match[4] or b"/")
        host = b"Host: " + match[2] + (b":" + match[3] if match[3] else b"")  # what the policy judged is what is asked
        lines = [
            start,
            host,
            *kept,
            b"Connection: close",
            b"",
            rest,
        ]  # one request each: the next may be for another host
        return Wish(_host(match[2]), _port(match[3] or b"80"), Opening(to_upstream=b"\r\n".join(lines)))
    raise ValueError("no request to a proxy")


def refusal(status: int, reason: str) -> bytes:
    """The answer to a wish that is not granted."""
    body = f"cove: {reason}\n".encode()
    head = f"HTTP/1.1 {status} {_REFUSALS[status]}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"Connection: close\r\n\r\n" + body


def _host(text: bytes) -> str:
    return text.decode("ascii").strip("[]")


def _port(text: bytes) -> int:
    if not 0 < int(text) < 65536:
        raise ValueError("a port out of range")
    return int(text)
