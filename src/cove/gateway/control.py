"""What the server and the gateway's process say to each other: one JSON message per SEQPACKET record.

A dialled socket comes beside it as a descriptor, and so does a tool's result, in memory: a record is too small for it.
"""

import array
import asyncio
import os
import socket
from collections import deque
from typing import Any

import msgspec

from cove.core.ids import SessionId
from cove.core.ports import Admission

MOST_BYTES = 192 * 1024
"""Less than what the kernel takes at once."""


class Setup(msgspec.Struct, frozen=True, tag="setup"):
    """The first message to the gateway. `wildcard` is empty where each session has a loopback address.

    `is_secure` where it speaks TLS itself, with what it asks for by `Certify`.
    """

    wildcard: str
    is_secure: bool = False


class Reply(msgspec.Struct, frozen=True, tag="reply", omit_defaults=True):
    """The answer to the question of this number: an admission, certificates, a descriptor beside it, or an error."""

    number: int
    admission: Admission | None = None
    pem: str = ""
    code: str = ""
    message: str = ""
    facts: dict[str, Any] = {}


class Closed(msgspec.Struct, frozen=True, tag="closed"):
    """A link, or every link of the session, leads nowhere from now on."""

    session_id: SessionId
    link_id: str | None


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    """The session stands still."""

    session_id: SessionId


class Admit(msgspec.Struct, frozen=True, tag="admit"):
    """Whom does this token let in where?"""

    number: int
    token: str


class Dial(msgspec.Struct, frozen=True, tag="dial"):
    """A connection to where this token leads: a gateway that was taken over reaches what it was shown a token of."""

    number: int
    token: str


class CallTool(msgspec.Struct, frozen=True, tag="call"):
    """Run a tool."""

    number: int
    token: str
    tool: str
    arguments: dict[str, Any]
    request_id: str
    user_agent: str


class Certify(msgspec.Struct, frozen=True, tag="certify"):
    """With which certificates and key are connections to this address received?"""

    number: int
    address: str


class Used(msgspec.Struct, frozen=True, tag="used"):
    """Bytes flowed in these sessions' links since the last such message; no answer."""

    sessions: list[SessionId]


ToGateway = Setup | Reply | Closed | Paused
Question = Admit | Dial | CallTool | Certify
ToServer = Question | Used


class Channel:
    """One end of the control socket, which it owns. What it sends is sent in order, and never waited for."""

    def __init__(self, control: socket.socket) -> None:
        self._socket = control
        self._socket.setblocking(False)
        self._waiting: deque[tuple[bytes, int | None]] = deque()

    def send(self, message: ToGateway | ToServer, descriptor: int | None = None) -> None:
        """Send a message and a descriptor, which is closed here once it was sent, or cannot be."""
        self._waiting.append((msgspec.json.encode(message, enc_hook=str), descriptor))
        if len(self._waiting) == 1:
            self._flush()

    async def receive(self) -> tuple[bytes, int | None] | None:
        """The next message and its descriptor; None at the end."""
        while True:
            try:
                body, descriptors, _, _ = socket.recv_fds(self._socket, MOST_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
            except BlockingIOError:
                await self._readable()
            except OSError:
                return None
            else:
                return (body, descriptors[0] if descriptors else None) if body else None

    def close(self) -> None:
        """Hang up; what still waits to be sent is dropped."""
        if self._socket.fileno() >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._socket)
            loop.remove_writer(self._socket)
            self._socket.close()
        while self._waiting:
            _close(self._waiting.popleft()[1])

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        is_readable = asyncio.Event()
        loop.add_reader(self._socket, is_readable.set)
        try:
            await is_readable.wait()
        finally:
            if self._socket.fileno() >= 0:
                loop.remove_reader(self._socket)

    def _flush(self) -> None:
        """Send what the kernel takes, and come back when it takes more. At a broken end everything is dropped."""
        while self._waiting:
            body, descriptor = self._waiting[0]
            try:
                self._socket.sendmsg([body], _rights(descriptor))
            except BlockingIOError:
                asyncio.get_running_loop().add_writer(self._socket, self._go_on)
                return
            except OSError:  # the other end is gone, which `receive` tells
                pass
            self._waiting.popleft()
            _close(descriptor)

    def _go_on(self) -> None:
        asyncio.get_running_loop().remove_writer(self._socket)
        self._flush()


def in_memory(data: bytes) -> int:
    """A descriptor from which `data` can be read."""
    descriptor = os.memfd_create("result", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _rights(descriptor: int | None) -> "list[tuple[int, int, array.array[int]]]":
    if descriptor is None:
        return []
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))]


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        os.close(descriptor)
