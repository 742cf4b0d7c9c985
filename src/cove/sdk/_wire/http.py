"""HTTP/1.1 as one client speaks it, sans-IO: a request made into bytes, and an answer read out of them.

`http.client` does this, too. It loads what reads mail and what speaks TLS for it, which is 11 ms in every program
before its first session, and a tenth of a millisecond for each answer's head.
"""

import re
from collections.abc import Callable, Mapping

_LONGEST_HEAD = 256 * 1024
_TARGET = re.compile(r"[\x21-\x7e]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: .*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;.*)?")
_BEGINNING = b"HTTP/1."
_BODILESS = frozenset({204, 304})


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
        self._held = bytearray()
        self._parts: list[bytes] = []
        self._left = 0
        self._step: Callable[[], bool] = self._read_head

    @property
    def body(self) -> bytes:
        """The body, as far as it has come."""
        return b"".join(self._parts)

    def feed(self, data: bytes) -> None:
        """Take what was received; raises NotHttp."""
        self._held += data
        while not self.is_whole and self._step():
            pass
        self.closes |= self.is_whole and bool(self._held)

    def end(self) -> None:
        """Nothing more comes; raises CutShort if something was to."""
        if self._step != self._read_to_the_end:
            raise CutShort
        self.is_whole = True

    # The steps: each takes what it can, and says whether the next may have something to take.

    def _read_head(self) -> bool:
        if not self._held.startswith(_BEGINNING[: len(self._held)]):
            raise NotHttp(f"it begins with {bytes(self._held[:20])!r}")
        end = self._held.find(b"\r\n\r\n", 0, _LONGEST_HEAD)
        if end < 0:
            if len(self._held) >= _LONGEST_HEAD:
                raise NotHttp(f"its head is longer than {_LONGEST_HEAD} bytes")
            return False
        first, *lines = bytes(self._held[:end]).split(b"\r\n")
        del self._held[: end + 4]
        status = _STATUS.fullmatch(first)
        if status is None:
            raise NotHttp(f"its first line is {first[:80]!r}")
        self.status, self.fields = int(status[2]), _fields(lines)
        if self.status >= 200:  # below, it is not the answer yet
            self._step = self._begin_body(is_old=status[1] == b"0")
        return True

    def _begin_body(self, *, is_old: bool) -> Callable[[], bool]:
        connection = self.fields.get("connection", "").lower()
        self.closes = "close" in connection or (is_old and "keep-alive" not in connection)
        coding, length = self.fields.get("transfer-encoding"), self.fields.get("content-length")
        if self.status in _BODILESS:
            return self._finish
        if coding is not None:
            if coding.lower() != "chunked":
                raise NotHttp(f"its body is coded as {coding[:40]!r}")
            return self._read_chunk_size
        if length is None:
            self.closes = True
            return self._read_to_the_end
        if not re.fullmatch(r"\d{1,18}", length):
            raise NotHttp(f"its Content-Length is {length[:40]!r}")
        self._left = int(length)
        return self._read_counted

    def _finish(self) -> bool:
        self.is_whole = True
        return False

    def _read_counted(self) -> bool:
        self._take()
        return self._left == 0 and self._finish()

    def _read_to_the_end(self) -> bool:
        self._left = len(self._held)
        self._take()
        return False

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        size = _CHUNK.fullmatch(line)
        if size is None:
            raise NotHttp(f"its chunk's size is {line[:40]!r}")
        self._left = int(size[1], 16)
        self._step = self._read_chunk if self._left else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._take()
        if self._left or len(self._held) < 2:
            return False
        if self._line() != b"":
            raise NotHttp("its chunk is longer than its size")
        self._step = self._read_chunk_size
        return True

    def _read_trailer(self) -> bool:
        line = self._line()
        return line is not None and (bool(line) or self._finish())

    def _take(self) -> None:
        part = bytes(self._held[: self._left])
        del self._held[: len(part)]
        self._parts.append(part)
        self._left -= len(part)

    def _line(self) -> bytes | None:
        end = self._held.find(b"\r\n", 0, _LONGEST_HEAD)
        if end < 0:
            if len(self._held) >= _LONGEST_HEAD:
                raise NotHttp("a line in its body does not end")
            return None
        line = bytes(self._held[:end])
        del self._held[: end + 2]
        return line


def _fields(lines: list[bytes]) -> dict[str, str]:
    """The header by names in lower case; raises NotHttp for a line that is none, and for two lengths at odds."""
    fields: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise NotHttp(f"a line of its head is {line[:80]!r}")
        name, value = field[1].decode().lower(), field[2].decode("latin-1")
        if name == "content-length" and fields.get(name, value) != value:
            raise NotHttp("it has two lengths")
        fields[name] = value
    return fields
