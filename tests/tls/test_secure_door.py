"""A door that speaks TLS, where something goes wrong behind it."""

import asyncio
import gc
import socket
from typing import Any

import pytest

from cove.core.errors import InternalError
from cove.gateway import Contexts, SecureDoor

pytestmark = pytest.mark.anyio
HELLO = b"\x16\x03\x01"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def _refuse(_: str) -> str:
    raise InternalError(request_id="r-1")


async def test_whoever_comes_when_nobody_certifies_is_hung_up_on_without_a_traceback() -> None:
    failures: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failures.append(context))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door = SecureDoor(listener, asyncio.Protocol, Contexts(_refuse), b"")
        door.start()
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(HELLO)
            with pytest.raises(ConnectionResetError):  # what it said lies there unread
                await reader.read()
            writer.close()
            door.close()
            await door.wait_closed()
    del door  # whose last connection it holds
    gc.collect()
    assert failures == []
