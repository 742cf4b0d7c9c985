"""HTTP/1.1 as one client speaks it, sans-IO: a request made into bytes, and an answer read out of them by llhttp.

`http.client` does this, too, but loads what reads mail and what speaks TLS for it: 15 ms in every program before its
first session, where `httptools` takes 1.5.
"""

import re
from collections.abc import Mapping

from httptools.parser.errors import HttpParserError, HttpParserUpgrade
from httptools.parser.parser import HttpResponseParser

_LONGEST_HEAD = 256 * 1024
_FIRST_FINAL = 200
"""Below, it is not the answer yet."""
_TARGET = re.compile(r"[\x21-\x7e]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


class NotHttp(ValueError):  # noqa: N818 - what it is, not whose fault
    """What came is no answer of HTTP/1.1, or what was to be sent no request."""


class CutShort(Exception):  # noqa: N818 - named by what happened
    """The server hung up before its answer was whole."""


def request_bytes(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """A request; raises NotHttp for what would end a line in its middle."""
    length = {} if body is None else {"Content-Length": str(len(body))}
    if not _TARGET.fullmatch(target):
        raise NotHttp("its path holds characters that no URL has")
    lines = [f"{method} {target} HTTP/1.1"]
    for name, value in {**headers, **length}.items():
        if not _VALUE.fullmatch(value):
            raise NotHttp(f"its header {name} holds a character that none may have")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


class AnswerReader:
    """One answer, to be fed with what is received until it `is_whole`; `closes` if nothing may follow it."""

    def __init__(self) -> None:
        self.status = 0
        self.fields: dict[str, str] = {}
        self.closes = False
        self.is_whole = False
        self._has_head = False
        self._received = 0
        self._parts: list[bytes] = []
        self._parser = HttpResponseParser(self)

    @property
    def body(self) -> bytes:
        """The body, as far as it has come."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> None:
        """Take what was received; raises NotHttp."""
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade as error:
            raise NotHttp("it changes to another protocol") from error
        except HttpParserError as error:
            if not self.is_whole:  # what comes after the answer is nobody's
                raise NotHttp(str(error)) from error
            self.closes = True
        if self.is_whole:
            del self._parser  # it holds this object, and so the body
        elif not self._has_head and self._received > _LONGEST_HEAD:
            raise NotHttp(f"its head is longer than {_LONGEST_HEAD} bytes")

    def end(self) -> None:
        """Nothing more comes; raises CutShort if something was to."""
        is_counted = "content-length" in self.fields or "chunked" in self.fields.get("transfer-encoding", "").lower()
        if not self._has_head or is_counted:
            raise CutShort
        self.is_whole = self.closes = True

    # What the parser calls, by names of its own.

    def on_message_begin(self) -> None:
        """A status below 200 is followed by the answer itself; an answer, by nothing."""
        self.closes |= self.is_whole

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line of the head."""
        if not self.is_whole:
            self.fields[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is there."""
        self.status = self._parser.get_status_code() if not self.is_whole else self.status
        self._has_head = self.status >= _FIRST_FINAL
        if not self._has_head:
            self.fields.clear()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if not self.is_whole:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        """All of it is there."""
        if self._has_head and not self.is_whole:
            self.is_whole = True
            self.closes = not self._parser.should_keep_alive()
