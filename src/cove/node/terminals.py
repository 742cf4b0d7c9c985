"""Terminals of a sandbox as the node sees them: each on a connection of its own to the guest, every byte suspected."""

import asyncio
import itertools
import socket
from collections import deque
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from cove.core.errors import CoveError, GuestMisbehaved, TerminalGone, TerminalNotFound, TerminalRefused
from cove.core.ids import SessionId
from cove.core.terminal import (
    Detached,
    Exited,
    FromGuest,
    Opened,
    OpenTerminal,
    PacketReader,
    PacketRefused,
    Said,
    TerminalView,
    data_packets,
    message_packet,
)
from cove.core.tool import Failure, Outcome
from cove.node.guests import GuestDoor

_CHUNK = 64 * 1024
_MOST_TERMINALS = 64
_LONGEST_ID = 40
S = TypeVar("S")


class _TerminalList(msgspec.Struct):
    terminals: list[TerminalView]


class GuestTerminal:
    """Implements `core.ports.TerminalLine` on a connection to the guest, which it owns."""

    def __init__(self, session_id: SessionId, terminal_id: str, connection: socket.socket, rest: bytes = b"") -> None:
        self.terminal_id = terminal_id
        self._session_id = session_id
        self._connection = connection
        self._reader: PacketReader[FromGuest] = PacketReader(FromGuest)  # type: ignore[arg-type]  # a union is one
        self._heard: deque[bytes | FromGuest] = deque()
        self._feed(rest)

    async def receive(self) -> bytes | Exited | Detached:
        """The next bytes, or how it ended; raises TerminalGone, GuestMisbehaved."""
        while not self._heard:
            try:
                data = await asyncio.get_running_loop().sock_recv(self._connection, _CHUNK)
            except OSError as error:
                raise self._gone() from error
            if not data:
                raise self._gone()
            self._feed(data)
            await asyncio.sleep(0)  # a flood is received without waiting: let others have their turn
        return self._heard.popleft()

    async def send(self, data: bytes) -> None:
        """Type so many bytes; waits while nothing inside reads. Raises TerminalGone."""
        await self._send(data_packets(data))

    async def say(self, message: Said) -> None:
        """Resize it, or end what runs on it; raises TerminalGone."""
        await self._send(message_packet(message))

    def close(self) -> None:
        """Look away; the terminal lives on."""
        self._connection.close()

    async def _send(self, packets: bytes) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self._connection, packets)
        except OSError as error:
            raise self._gone() from error

    def _feed(self, data: bytes) -> None:
        try:
            heard = self._reader.feed(data)
        except PacketRefused as error:
            raise GuestMisbehaved(session_id=self._session_id, reason=str(error)) from error
        self._heard.extend(_joined(heard))

    def _gone(self) -> TerminalGone:
        return TerminalGone(session_id=self._session_id, terminal_id=self.terminal_id)


async def open_terminal(session_id: SessionId, door: GuestDoor, wish: OpenTerminal) -> GuestTerminal:
    """Open a terminal and look at it; raises TerminalRefused, SandboxFailed."""
    return await _begin(session_id, door, "terminals/open", msgspec.to_builtins(wish))


async def attach_terminal(session_id: SessionId, door: GuestDoor, terminal_id: str) -> GuestTerminal:
    """Look at a terminal that lives, in the place of whoever does now; raises TerminalNotFound, SandboxFailed."""
    return await _begin(session_id, door, "terminals/attach", {"terminalId": terminal_id})


async def list_terminals(session_id: SessionId, door: GuestDoor) -> list[TerminalView]:
    """The terminals that live; raises SandboxFailed."""
    outcome = await door.ask("terminals/list", {})
    return _checked(session_id, outcome, _TerminalList).terminals[:_MOST_TERMINALS]


async def kill_terminal(session_id: SessionId, door: GuestDoor, terminal_id: str) -> None:
    """End what runs on a terminal; raises TerminalNotFound, SandboxFailed."""
    _checked(session_id, await door.ask("terminals/kill", {"terminalId": terminal_id}), Opened, terminal_id)


async def _begin(session_id: SessionId, door: GuestDoor, method: str, params: dict[str, Any]) -> GuestTerminal:
    outcome, connection, rest = await door.begin(method, params)
    try:
        opened = _checked(session_id, outcome, Opened, params.get("terminalId", ""))
        if len(opened.terminal_id) > _LONGEST_ID or not opened.terminal_id.isprintable():
            raise GuestMisbehaved(session_id=session_id, reason="an id of a terminal that is none")
        return GuestTerminal(session_id, opened.terminal_id, connection, rest)
    except BaseException:
        connection.close()
        raise


def _checked(session_id: SessionId, outcome: Outcome, shape: type[S], terminal_id: str = "") -> S:
    if outcome.failure is not None:
        raise refusal(session_id, outcome.failure, terminal_id)
    try:
        return msgspec.convert(outcome.structured, shape)
    except msgspec.ValidationError as error:
        raise GuestMisbehaved(session_id=session_id, reason=f"no answer about terminals: {error}") from error


def refusal(session_id: SessionId, failure: Failure, terminal_id: str) -> CoveError:
    """Our error for a guest's failure."""
    if failure.code == "NoSuchTerminal":
        return TerminalNotFound(session_id=session_id, terminal_id=terminal_id)
    return TerminalRefused(session_id=session_id, reason=failure.message)


def _joined(heard: list[bytes | FromGuest]) -> Iterator[bytes | FromGuest]:
    """The same with neighbouring bytes in one piece."""
    for is_data, items in itertools.groupby(heard, lambda item: isinstance(item, bytes)):
        if not is_data:
            yield from items
        elif data := b"".join(item for item in items if isinstance(item, bytes)):
            yield data
