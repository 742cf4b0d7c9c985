"""Terminals on the wire: what is asked for, what both ends say beside the bytes, and the packets to the guest.

On the WebSocket a binary message is bytes of the terminal and a text message one of the messages here, as JSON. Between
node and guest both travel in packets, sans-IO: a kind, a length of two bytes, and so many bytes.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec

Size = Annotated[int, msgspec.Meta(ge=1, le=500)]
MOST_COMMAND = 100_000
"""Characters: the kernel takes at most 128 KiB as one argument."""
MOST_DATA = 65_535
_DATA, _MESSAGE = 0x64, 0x6D
_HEAD = 3


class OpenTerminal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new terminal: the user's shell, or `command` run by it. `shell` is the path of another one."""

    cols: Size = 80
    rows: Size = 24
    user: Literal["wuying", "root"] = "wuying"
    cwd: str | None = None
    shell: str | None = None
    command: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST_COMMAND)] | None = None
    envs: dict[str, str] = {}


class TerminalView(msgspec.Struct, frozen=True, kw_only=True):
    """A terminal that lives. `attached` says whether somebody looks at it."""

    terminal_id: str
    cols: int
    rows: int
    attached: bool


class Resize(msgspec.Struct, frozen=True, tag="resize", tag_field="type", forbid_unknown_fields=True):
    """To the terminal: its window has another size now."""

    cols: Size
    rows: Size


class Kill(msgspec.Struct, frozen=True, tag="kill", tag_field="type", forbid_unknown_fields=True):
    """To the terminal: end what runs on it. `HUP` is what closing a window means, `KILL` leaves no choice."""

    signal: Literal["HUP", "KILL"] = "KILL"


class Opened(msgspec.Struct, frozen=True, tag="opened", tag_field="type"):
    """From the server, first: the terminal's id, by which a later connection finds it again."""

    terminal_id: str


class Exited(msgspec.Struct, frozen=True, tag="exited", tag_field="type"):
    """From the terminal, last: the exit code, or minus the number of the signal that ended it."""

    exit_code: Annotated[int, msgspec.Meta(ge=-255, le=255)]


class Detached(msgspec.Struct, frozen=True, tag="detached", tag_field="type"):
    """From the terminal, last: somebody else is connected to it now."""


class Paused(msgspec.Struct, frozen=True, tag="paused", tag_field="type"):
    """From the server: the session was paused by hand; what was typed waits for its resume."""


class Failed(msgspec.Struct, frozen=True, tag="failed", tag_field="type"):
    """From the server, last: the terminal is no more, or cannot be reached; said as in an `ErrorBody`."""

    code: str
    message: str
    retryable: bool = False


Said = Resize | Kill
FromGuest = Exited | Detached
Heard = Opened | Exited | Detached | Paused | Failed
M = TypeVar("M")


class PacketRefused(ValueError):  # noqa: N818 - what happened to it, not whose fault it is
    """The other end sent something that is no packet."""


def data_packets(data: bytes | memoryview) -> bytes:
    """Bytes of the terminal, as packets.

    >>> data_packets(b"ls")
    b'd\\x00\\x02ls'
    """
    view = memoryview(data)
    pieces = [view[at : at + MOST_DATA] for at in range(0, len(view), MOST_DATA)]
    return b"".join(part for piece in pieces for part in (bytes((_DATA,)) + len(piece).to_bytes(2), piece))


def message_packet(message: Said | FromGuest) -> bytes:
    """One message, as a packet."""
    body = msgspec.json.encode(message)
    return bytes((_MESSAGE,)) + len(body).to_bytes(2) + body


class PacketReader(Generic[M]):
    """Turns received bytes into bytes of the terminal and messages of one kind, in order."""

    def __init__(self, kind: type[M]) -> None:
        self._buffer = bytearray()
        self._decoder = msgspec.json.Decoder(kind)

    def feed(self, data: bytes) -> list[bytes | M]:
        """What `data` completes; raises PacketRefused. It keeps at most one incomplete packet."""
        self._buffer += data
        found: list[bytes | M] = []
        start = 0
        while len(self._buffer) >= start + _HEAD:
            if self._buffer[start] not in (_DATA, _MESSAGE):
                raise PacketRefused(f"no packet begins with {self._buffer[start]:#x}")
            end = start + _HEAD + int.from_bytes(self._buffer[start + 1 : start + _HEAD])
            if len(self._buffer) < end:
                break
            found.append(self._read(self._buffer[start], bytes(self._buffer[start + _HEAD : end])))
            start = end
        del self._buffer[:start]
        return found

    def _read(self, kind: int, body: bytes) -> bytes | M:
        if kind == _DATA:
            return body
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise PacketRefused(f"no message of a terminal: {error}") from error
