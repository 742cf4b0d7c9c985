"""Reading and writing the content of files, within bounds, and without losing what was there when the disk is full."""

import binascii
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from cove.core.errors import ToolFailed
from cove.core.limits import MIB
from cove.core.results import FileContent, NamedContent
from cove.guest.failures import failed, failed_by
from cove.guest.places import Place, place
from cove.guest.settings import GuestSettings

MOST_BYTES = 32 * MIB
"""Of one read: a longer file is read in stretches."""
_CHARACTER = 4
"""Bytes of the longest UTF-8 character."""


def read_stretch(where: Place, offset: int, length: int) -> tuple[bytes, int]:
    """At most `length` bytes from `offset` (0: to the end, at most MOST_BYTES), and the regular file's size."""
    with opened(where, os.O_RDONLY) as fd:
        wanted = min(length or MOST_BYTES, MOST_BYTES)
        data = bytearray()
        while len(data) < wanted and (piece := os.pread(fd, min(wanted - len(data), MIB), offset + len(data))):
            data += piece
        # Files of /proc say that they have size 0, and have content.
        return bytes(data), max(os.fstat(fd).st_size, offset + len(data) if data else 0)


def read_text(file: Place, offset: int, length: int) -> FileContent:
    """A stretch as text: a character belongs to the stretch that holds its first byte. Raises ToolFailed NotText."""
    wanted = min(length or MOST_BYTES, MOST_BYTES)
    data, size = read_stretch(file, offset, wanted)
    tail = read_stretch(file, offset + wanted, _CHARACTER - 1)[0] if offset + wanted < size else b""
    start = _continuation(data[: _CHARACTER - 1]) if offset else 0
    if start == len(data):
        return FileContent(content="", encoding="utf-8", size=size)
    end = tail[: _continuation(tail)]
    try:
        text = (data[start:] + end).decode("utf-8")
    except UnicodeDecodeError as error:
        where = offset + start + error.start
        raise failed("NotText", f"{file.shown!r} is not UTF-8 at byte {where}; read it with format='binary'") from error
    return FileContent(content=text, encoding="utf-8", size=size, truncated=_is_short(length, offset + len(data), size))


def read_named(settings: GuestSettings, path: str, left: int) -> NamedContent:
    """One of several files, of which `left` bytes may still be read; says why if it could not be."""
    try:
        content = read_text(place(settings, path), 0, max(left, 1))
    except ToolFailed as failure:
        return NamedContent(path=path, content="", error=str(failure))
    if content.size > max(left, 0):
        return NamedContent(path=path, content="", error=f"over {MOST_BYTES} bytes in one call; read it by itself")
    return NamedContent(path=path, content=content.content)


def read_binary(where: Place, offset: int, length: int) -> FileContent:
    """A stretch as base64."""
    data, size = read_stretch(where, offset, length)
    content = binascii.b2a_base64(data, newline=False).decode()
    return FileContent(
        content=content, encoding="base64", size=size, truncated=_is_short(length, offset + len(data), size)
    )


def _is_short(length: int, end: int, size: int) -> bool:
    return (length == 0 or length > MOST_BYTES) and end < size


def _continuation(data: bytes) -> int:
    """How many bytes at the start go on with a character that began before."""
    return next((i for i, byte in enumerate(data) if byte & 0xC0 != 0x80), len(data))


def decoded(content: str, encoding: str) -> bytes:
    """The bytes that a caller's content stands for; raises ToolFailed NotBase64."""
    if encoding == "text":
        return content.encode("utf-8")
    try:
        return binascii.a2b_base64(content, strict_mode=True)
    except (binascii.Error, ValueError) as error:
        raise failed("NotBase64", f"with format='binary' the content must be base64: {error}") from error


def append(where: Place, data: bytes) -> None:
    """Add to the end of a file, which is made if need be; a full disk leaves it as long as it was."""
    with opened(where, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as fd:
        size = os.fstat(fd).st_size
        try:
            _write_all(fd, data)
        except OSError:
            os.ftruncate(fd, size)
            raise


def overwrite(where: Place, data: bytes) -> None:
    """Replace a file's content in where (mode, owner and links stay); a full disk leaves the old content."""
    existed = os.path.lexists(where.real)
    with opened(where, os.O_WRONLY | os.O_CREAT) as fd:
        size = os.fstat(fd).st_size
        try:
            if len(data) > size:
                os.posix_fallocate(fd, size, len(data) - size)
        except OSError:
            os.ftruncate(fd, size)
            if not existed:
                os.unlink(where.real)
            raise
        _write_all(fd, data)
        os.ftruncate(fd, len(data))


def make_parents(where: Place) -> None:
    """Make the directories that a file is to lie in."""
    os.makedirs(os.path.dirname(where.real) or "/", exist_ok=True)


@contextmanager
def opened(where: Place, flags: int) -> Iterator[int]:
    """A descriptor of a regular file; raises ToolFailed for all else, and for errors while it is used."""
    try:
        # Without O_NONBLOCK the opening of a named pipe would wait for its other end, perhaps for ever.
        fd = os.open(where.real, flags | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY, 0o644)
        try:
            mode = os.fstat(fd).st_mode
            if not stat.S_ISREG(mode):
                kind = "a directory" if stat.S_ISDIR(mode) else "a pipe, socket or device"
                raise failed("NotAFile", f"{where.shown!r} is {kind}, not a file")
            yield fd
        finally:
            os.close(fd)
    except OSError as error:
        raise failed_by(error, where.shown) from error


def _write_all(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
