"""Which host a TLS ClientHello names (RFC 8446 §4.1.2, RFC 6066 §3). Pure; what it cannot read it says is no TLS."""

_HANDSHAKE, _CLIENT_HELLO, _SERVER_NAME, _HOST_NAME = 22, 1, 0, 0
_LONGEST = 64 * 1024


class Unfinished(Exception):  # noqa: N818 (no error: more bytes are on their way)
    """The hello is not complete; ask again with more bytes."""


def server_name(stream: bytes) -> str | None:
    """The host named in the ClientHello with which `stream` begins, in lower case; None for no TLS, or no name.

    Raises Unfinished while it cannot tell yet; a stream of 64 KiB is told at once.
    """
    try:
        return _host(_extensions(_hello(stream)))
    except IndexError:
        return None


def _hello(stream: bytes) -> "_Reader":
    """The handshake message, put together from the records that it comes in."""
    message, at = bytearray(), 0
    while len(message) < 4 or len(message) < 4 + int.from_bytes(message[1:4]):
        is_other = at < len(stream) and stream[at] != _HANDSHAKE
        if is_other or len(stream) >= _LONGEST or (message and message[0] != _CLIENT_HELLO):
            raise IndexError
        length = int.from_bytes(stream[at + 3 : at + 5])
        if len(stream) < at + 5 or len(stream) < at + 5 + length:
            raise Unfinished
        message += stream[at + 5 : at + 5 + length]
        at += 5 + length
    if message[0] != _CLIENT_HELLO:
        raise IndexError
    return _Reader(bytes(message[4 : 4 + int.from_bytes(message[1:4])]))


def _extensions(hello: "_Reader") -> "_Reader":
    hello.take(2 + 32)  # version, random
    for width in (1, 2, 1):  # session id, cipher suites, compression methods
        hello.take_sized(width)
    return _Reader(hello.take_sized(2))


def _host(extensions: "_Reader") -> str | None:
    while extensions.left():
        kind, body = int.from_bytes(extensions.take(2)), _Reader(extensions.take_sized(2))
        if kind != _SERVER_NAME:
            continue
        names = _Reader(body.take_sized(2))
        if names.take(1)[0] == _HOST_NAME:
            return names.take_sized(2).decode("ascii", "replace").lower().removesuffix(".")
    return None


class _Reader:
    """Takes bytes from the front; raises IndexError when there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if self.left() < count:
            raise IndexError
        self._at += count
        return self._data[self._at - count : self._at]

    def take_sized(self, width: int) -> bytes:
        return self.take(int.from_bytes(self.take(width)))
