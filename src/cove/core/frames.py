"""Frames between node and guest: a length of four bytes, big-endian, then JSON. Sans-IO, bounded on both sides.

One connection carries one request and its replies; the messages themselves are JSON-RPC 2.0 as MCP uses it:
`tools/call` with `{name, arguments, callId}`, `tools/list`, `ping`, and the notification `notifications/cancelled`.
"""

from collections.abc import Callable
from typing import Any

import msgspec

MAX_FRAME = 96 * 1024 * 1024
"""Bytes: two outputs of the largest limit, as JSON, fit; the reader refuses more before it allocates anything."""
MAX_DEPTH = 64
_LENGTH = 4


class FrameRefused(ValueError):  # noqa: N818 - what happened to it, not whose fault it is
    """The peer sent something that is no frame."""


def frame(message: dict[str, Any]) -> bytes:
    """A message as bytes to send."""
    body = msgspec.json.encode(message)
    if len(body) > MAX_FRAME:
        raise FrameRefused(f"a frame of {len(body)} bytes is over {MAX_FRAME}")
    return len(body).to_bytes(_LENGTH) + body


class FrameReader:
    """Turns received bytes into messages. Feed it; it returns each complete message, in order."""

    def __init__(
        self,
        max_frame: int = MAX_FRAME,
        decode: Callable[[bytes], dict[str, Any]] | None = None,
        *,
        is_last: bool = False,
    ) -> None:
        """With `is_last`, what comes behind a message is no frame: it is left for `rest`."""
        self._buffer = bytearray()
        self._is_last = is_last
        self._max_frame = max_frame
        self._decode = decode or decode_message

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Messages completed by `data`; raises FrameRefused on a length or a body that cannot be one."""
        self._buffer += data
        messages = []
        while (body := self._take()) is not None:
            messages.append(self._decode(body))
            if self._is_last:
                break
        return messages

    def rest(self) -> bytes:
        """What came behind the last message, and is no longer kept."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def _take(self) -> bytes | None:
        if len(self._buffer) < _LENGTH:
            return None
        length = int.from_bytes(self._buffer[:_LENGTH])
        if length > self._max_frame:
            raise FrameRefused(f"a frame of {length} bytes is over {self._max_frame}")
        if len(self._buffer) < _LENGTH + length:
            return None
        body = bytes(self._buffer[_LENGTH : _LENGTH + length])
        del self._buffer[: _LENGTH + length]
        return body


def decode_message(body: bytes) -> dict[str, Any]:
    """A frame's body as a message; raises FrameRefused."""
    try:
        message = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise FrameRefused(f"not JSON: {error}") from error
    if not isinstance(message, dict) or not is_shallow(message, MAX_DEPTH):
        raise FrameRefused(f"not a JSON object of at most {MAX_DEPTH} levels")
    return message


def is_shallow(value: Any, levels: int) -> bool:
    """Whether a decoded JSON value nests no deeper than `levels`."""
    if not isinstance(value, dict | list):
        return True
    children = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(is_shallow(child, levels - 1) for child in children)
