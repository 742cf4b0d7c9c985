"""Where the body of an HTTP/1.1 message ends: by its length, by chunks, or with its connection. Pure.

Each framing takes what has come in and gives the body's bytes in it, and what comes after the body.
"""

import re
from collections.abc import Callable

from cove.gateway.head import HttpError

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")
_LONGEST_LINE = 4096
_LONGEST_TRAILERS = 16 * 1024
LAST_CHUNK = b"0\r\n\r\n"
Step = Callable[[bytes, int, list[bytes]], int]
"""Reads from a place in the data on and gives the place where it stopped: the same, if more must come first."""


class Counted:
    """A body of so many bytes, of which `left` are still to come."""

    def __init__(self, length: int) -> None:
        self.left = length

    @property
    def is_done(self) -> bool:
        """Whether the body has ended."""
        return self.left == 0

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """The body's part of `data`, and the rest."""
        if len(data) <= self.left:
            self.left -= len(data)
            return data, b""
        cut, self.left = self.left, 0
        return data[:cut], data[cut:]


class Endless:
    """A body that ends with its connection."""

    is_done = False

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """All of it."""
        return data, b""


class Chunked:
    """A body in chunks. Extensions and trailers are read by the letter, and left out."""

    def __init__(self) -> None:
        self.is_done = False
        self._held = b""
        self._left = 0
        self._trailers = 0
        self._step: Step = self._size

    def take(self, data: bytes) -> tuple[bytes, bytes]:
        """The body's part of `data`, without its framing, and what follows the last chunk; raises HttpError."""
        parts: list[bytes] = []
        data, at = self._held + data, 0
        while not self.is_done:
            reached = self._step(data, at, parts)
            if reached == at:
                break
            at = reached
        self._held = b"" if self.is_done else data[at:]
        return b"".join(parts), (data[at:] if self.is_done else b"")

    def _size(self, data: bytes, at: int, _: list[bytes]) -> int:
        line = _line(_SIZE, data, at, "a chunk's size")
        if line is None:
            return at
        self._left = int(line[1], 16)
        self._step = self._content if self._left else self._trailer
        return line.end()

    def _content(self, data: bytes, at: int, parts: list[bytes]) -> int:
        part = data[at : at + self._left]
        self._left -= len(part)
        parts.append(part)
        if not self._left:
            self._step = self._end_of_chunk
        return at + len(part)

    def _end_of_chunk(self, data: bytes, at: int, _: list[bytes]) -> int:
        end = data[at : at + 2]
        if not b"\r\n".startswith(end):
            raise HttpError("a chunk is longer than it says")
        if len(end) < 2:
            return at
        self._step = self._size
        return at + 2

    def _trailer(self, data: bytes, at: int, _: list[bytes]) -> int:
        if data.startswith(b"\r\n", at):
            self.is_done = True
            return at + 2
        if data[at:] == b"\r":
            return at
        line = _line(_TRAILER, data, at, "a trailer")
        if line is None:
            return at
        self._trailers += line.end() - at
        if self._trailers > _LONGEST_TRAILERS:
            raise HttpError("its trailers are too long")
        return line.end()


Framing = Counted | Endless | Chunked


def _line(form: re.Pattern[bytes], data: bytes, at: int, what: str) -> re.Match[bytes] | None:
    """The whole line at this place; None while it has not all come."""
    found = form.match(data, at)
    if found is None and (len(data) - at > _LONGEST_LINE or data.find(b"\n", at) >= 0):
        raise HttpError(f"{what} is none of HTTP/1.1")
    return found
