"""DNS messages (RFC 1035) as a session's programs send them: parsed and built. Pure; all input is hostile."""

import struct
from enum import IntEnum
from ipaddress import IPv4Address

import msgspec

TTL = 60
"""Seconds for which a program may keep an answer."""
LONGEST_MESSAGE = 4096
_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
_RESPONSE, _RECURSION_DESIRED, _RECURSION_AVAILABLE = 0x8000, 0x0100, 0x0080
_OPT = b"\x00" + struct.pack("!HHIH", 41, 1232, 0, 0)
_POINTER_TO_QUESTION = b"\xc0\x0c"


class Kind(IntEnum):
    """The record types this resolver has to do with."""

    A = 1
    PTR = 12
    ANY = 255


class Code(IntEnum):
    """What an answer says about the question."""

    OK = 0
    MALFORMED = 1
    FAILED = 2
    NO_SUCH_NAME = 3
    NOT_IMPLEMENTED = 4
    REFUSED = 5


class Query(msgspec.Struct, frozen=True):
    """A question, or why it cannot be answered. `question` is as it was sent: resolvers compare the very letters."""

    id: int
    flags: int
    name: str = ""
    kind: int = 0
    question: bytes = b""
    has_options: bool = False
    problem: Code = Code.OK


def parse_query(message: bytes) -> Query | None:
    """The query in a datagram or frame; None for what deserves no answer at all (too short, or itself an answer)."""
    if not _HEADER.size <= len(message) <= LONGEST_MESSAGE:
        return None
    id_, flags, questions, answers, authorities, additional = _HEADER.unpack_from(message)
    if flags & _RESPONSE:
        return None
    if flags >> 11 & 15:
        return Query(id_, flags, problem=Code.NOT_IMPLEMENTED)
    parsed = _parse_name(message) if (questions, answers, authorities) == (1, 0, 0) else None
    if parsed is None or len(message) < parsed[1] + _QUESTION.size:
        return Query(id_, flags, problem=Code.MALFORMED)
    name, end = parsed
    kind, space = _QUESTION.unpack_from(message, end)
    tail = message[end + _QUESTION.size :]
    return Query(
        id_,
        flags,
        name=name,
        kind=kind,
        question=message[_HEADER.size : end + _QUESTION.size],
        has_options=additional > 0 and tail.startswith(_OPT[:3]),
        problem=Code.OK if space == 1 else Code.REFUSED,
    )


def _parse_name(message: bytes) -> tuple[str, int] | None:
    """The question's name and where it ends. There is nothing before it to point to, so a pointer is malformed."""
    labels, at = [], _HEADER.size
    while at < len(message) and (length := message[at]):
        label = message[at + 1 : at + 1 + length]
        at += 1 + length
        if length > 63 or len(label) < length or at - _HEADER.size > 254 or b"." in label or not label.isascii():
            return None
        labels.append(label.decode())
    return (".".join(labels), at + 1) if at < len(message) else None


def build_answer(query: Query, *, code: Code = Code.OK, address: IPv4Address | None = None, target: str = "") -> bytes:
    """The answer's bytes: one A record, one PTR record, or none with a code."""
    flags = _RESPONSE | query.flags & 0x7800 | query.flags & _RECURSION_DESIRED | _RECURSION_AVAILABLE | code
    record = b""
    if address is not None:
        record = _record(Kind.A, address.packed)
    elif target:
        record = _record(Kind.PTR, _encode_name(target))
    counts = (1 if query.question else 0, 1 if record else 0, 0, 1 if query.has_options else 0)
    return _HEADER.pack(query.id, flags, *counts) + query.question + record + (_OPT if query.has_options else b"")


def _record(kind: Kind, data: bytes) -> bytes:
    return _POINTER_TO_QUESTION + struct.pack("!HHIH", kind, 1, TTL, len(data)) + data


def _encode_name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\x00"


class FrameReader:
    """DNS over TCP (RFC 1035 §4.2.2): two bytes of length, then a message. Feed it; it returns the complete ones."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Messages completed by `data`; raises ValueError when one is announced that is longer than any query."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= 2:
            length = int.from_bytes(self._buffer[:2])
            if length > LONGEST_MESSAGE:
                raise ValueError(f"a DNS message of {length} bytes")
            if len(self._buffer) < 2 + length:
                break
            messages.append(bytes(self._buffer[2 : 2 + length]))
            del self._buffer[: 2 + length]
        return messages


def frame(message: bytes) -> bytes:
    """A message as DNS over TCP carries it."""
    return len(message).to_bytes(2) + message
