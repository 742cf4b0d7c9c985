"""What a guest says of changed files is suspected: whatever it sends costs little, and harms nobody but its session."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from cove.core.errors import GuestMisbehaved
from cove.core.frames import frame
from cove.core.ids import SessionId
from cove.node.watches import GuestWatch

pytestmark = pytest.mark.anyio
CHANGE = {"event_type": "create", "path": "/tmp/a", "path_type": "file"}


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with contextlib.closing(ours), contextlib.closing(theirs):
        yield ours, theirs


def told(*events: dict[str, Any]) -> bytes:
    return frame({"event": {"events": list(events)}})


async def test_changes_are_received_until_the_guest_hangs_up(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    message = told(CHANGE)
    watch = GuestWatch(SessionId("s-1"), ours, message[:5])
    theirs.sendall(message[5:] + told(CHANGE, CHANGE))
    theirs.shutdown(socket.SHUT_RDWR)
    async with asyncio.timeout(20):
        found = [await watch.receive() for _ in range(3)]
    assert [events and [event.path for event in events] for events in found] == [["/tmp/a"], ["/tmp/a"] * 2, None]


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff",
        (8 * 1024 * 1024).to_bytes(4),
        frame({}),
        frame({"event": None}),
        frame({"event": {"events": 5}}),
        frame({"id": 1, "result": {}}),
        told({**CHANGE, "event_type": "explode"}),
        told({**CHANGE, "path": "x" * 100_000}),
        told({**CHANGE, "path": 5}),
        told(*[CHANGE] * 5000),
        (100_000).to_bytes(4) + b"[" * 100_000,
    ],
)
async def test_what_is_no_change_is_refused(ends: tuple[socket.socket, socket.socket], said: bytes) -> None:
    ours, theirs = ends
    watch = GuestWatch(SessionId("s-1"), ours)
    sending = asyncio.create_task(asyncio.to_thread(_send, theirs, said))
    with pytest.raises(GuestMisbehaved):
        async with asyncio.timeout(20):
            await watch.receive()
    ours.close()
    await sending


def _send(theirs: socket.socket, said: bytes) -> None:
    with contextlib.suppress(OSError):
        theirs.sendall(said)
