"""Heads of HTTP/1.1 messages: read by the letter of RFC 9112, or not at all, and written anew. Pure.

What two parsers might read differently is refused, for that is how a request is smuggled past one of them: a line that
ends in a bare CR or LF, a folded line, a name with a space before its colon, two lengths, a length beside an encoding.
Nothing that came in is passed on as it came: a head is written from what was understood.
"""

import re

import msgspec

MOST_BYTES = 64 * 1024
MOST_FIELDS = 256
Pairs = list[tuple[str, str]]

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELDS = re.compile(rf"(?:{_NAME}:[\t\x20-\x7e\x80-\xff]*\r\n)*")
_REQUEST = re.compile(rf"({_NAME}) ([!-~]+) HTTP/1\.([01])\r\n")
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?\r\n")
_LENGTH = re.compile(r"[0-9]{1,18}")


class HttpError(Exception):
    """Not HTTP/1.1, or HTTP that could be read in two ways; the text says what it is."""


class Fields:
    """The fields of a message in their order, with the names as they came; found by their names in lower case."""

    def __init__(self, pairs: Pairs) -> None:
        self.pairs = pairs
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def all(self, name: str) -> list[str]:
        """Every value.

        >>> Fields([("Accept", "a"), ("ACCEPT", "b")]).all("accept")
        ['a', 'b']
        """
        return self._values.get(name, [])

    def first(self, name: str) -> str:
        """The first value, or nothing."""
        found = self._values.get(name)
        return found[0] if found else ""

    def tokens(self, name: str) -> set[str]:
        """The members of a list such as `Connection`, in lower case."""
        found = self._values.get(name)
        if not found:
            return set()
        return {token.strip().lower() for value in found for token in value.split(",")} - {""}

    def length(self) -> int | None:
        """Bytes of the body; None where it comes in chunks, -1 where nothing says. HttpError where two say it."""
        lengths, encodings = self.all("content-length"), self.all("transfer-encoding")
        if encodings:
            if lengths or [each.lower() for each in encodings] != ["chunked"]:
                raise HttpError("a Transfer-Encoding beside a Content-Length, or other than chunked")
            return None
        if not lengths:
            return -1
        if len(lengths) > 1 or not _LENGTH.fullmatch(lengths[0]):
            raise HttpError("more than one Content-Length, or one that is no number")
        return int(lengths[0])


class Request(msgspec.Struct, frozen=True):
    """A request's head as it came."""

    method: str
    target: str
    minor: int
    fields: Fields


class Response(msgspec.Struct, frozen=True):
    """A response's head as it came."""

    status: int
    reason: str
    minor: int
    fields: Fields


def parse_request(head: bytes) -> Request:
    """`head` up to and with its empty line; raises HttpError."""
    text, line = _first_line(head, _REQUEST, "the request line")
    method, target, minor = line.groups()
    return Request(method, target, int(minor), _parse_fields(text[line.end() :]))


def parse_response(head: bytes) -> Response:
    """`head` up to and with its empty line; raises HttpError."""
    text, line = _first_line(head, _STATUS, "the status line")
    minor, status, reason = line.groups()
    return Response(int(status), reason or "", int(minor), _parse_fields(text[line.end() :]))


def write_request(method: str, target: str, pairs: Pairs) -> bytes:
    """A head to send."""
    return _write(f"{method} {target} HTTP/1.1", pairs)


def write_response(status: int, reason: str, pairs: Pairs) -> bytes:
    """A head to send."""
    return _write(f"HTTP/1.1 {status} {reason}", pairs)


def _first_line(head: bytes, line: re.Pattern[str], what: str) -> tuple[str, re.Match[str]]:
    text = head.decode("latin-1")
    found = line.match(text)
    if found is None:
        raise HttpError(f"{what} is none of HTTP/1.1")
    return text, found


def _parse_fields(text: str) -> Fields:
    """`text` ends in the empty line."""
    if not _FIELDS.fullmatch(text, 0, len(text) - 2):
        raise HttpError("a header field is none of HTTP/1.1")
    lines = text.split("\r\n")[:-2]
    if len(lines) > MOST_FIELDS:
        raise HttpError(f"more than {MOST_FIELDS} header fields")
    pairs = (line.partition(":") for line in lines)
    return Fields([(name, value.strip("\t ")) for name, _, value in pairs])


def _write(first: str, pairs: Pairs) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in pairs])
    return f"{first}\r\n{lines}\r\n".encode("latin-1")
