"""Streams: what clients ask for over a session's WebSocket, and are told of for as long as it lasts."""

from collections.abc import AsyncGenerator, Callable
from typing import Any, get_type_hints

import msgspec

from cove.compat.operations.registry import Nothing, not_built
from cove.compat.operations.service import Service
from cove.compat.tools import file_change
from cove.core.ids import SessionId
from cove.core.results import FileChange

_MOST_BYTES = 512 * 1024
"""Of the changes in one message, as JSON: clients refuse a message of more than 1 MiB."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message: an answer to whoever asked or, where `is_push`, for everybody who listens to the same server."""

    data: dict[str, Any]
    is_push: bool = False


DONE = Said(data={"phase": "end"})
Talk = Callable[[Service, Any, SessionId, Any], AsyncGenerator[Said, None]]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One method. `request` has the names of its `params` as fields.

    `ends` names the method whose stream with the same params this one ends; that one is a subscription: asked for
    twice it runs once, and its end means that the client must ask anew. `lacks` is the capability that is not built.
    """

    method: str
    request: type[msgspec.Struct]
    talk: Talk
    ends: str = ""
    lacks: str = ""


class WatchFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Below which path, which is told back as it was given."""

    path: str


def stream(method: str, *, ends: str = "") -> Callable[[Talk], Stream]:
    """Make a stream of an async generator `(service, caller, session_id, request)` that yields what is said."""

    def declare(talk: Talk) -> Stream:
        return Stream(method=method, request=get_type_hints(talk)["request"], talk=talk, ends=ends)

    return declare


def lacking(capability: str, method: str) -> Stream:
    """A stream whose capability is not built yet."""

    async def refuse(_: Service, __: Any, ___: SessionId, ____: Nothing) -> AsyncGenerator[Said, None]:
        raise not_built(capability, method)
        yield DONE  # what makes this a generator

    return Stream(method=method, request=Nothing, talk=refuse, lacks=capability)


@stream("subscribe_file_change")
async def subscribe_file_change(
    service: Service, caller: Any, session_id: SessionId, request: WatchFiles
) -> AsyncGenerator[Said, None]:
    """Tell of changes below a path, from the last `get_file_change` on."""
    async with service.watch(caller, session_id, request.path) as changes:
        yield DONE
        async for events in changes:
            for page in _pages(events):
                data = {"eventType": "file_change", "path": request.path, "events": page}
                yield Said(data=data, is_push=True)


@stream("unsubscribe_file_change", ends="subscribe_file_change")
async def unsubscribe_file_change(
    _: Service, __: Any, ___: SessionId, request: WatchFiles
) -> AsyncGenerator[Said, None]:
    """Tell of them no more."""
    yield DONE


def _pages(events: list[FileChange]) -> list[list[dict[str, str]]]:
    """The changes as they are told, so many at once as fit into a message."""
    pages: list[list[dict[str, str]]] = [[]]
    size = 0
    for event in (file_change(msgspec.structs.asdict(event)) for event in events):
        length = len(msgspec.json.encode(event))
        if size + length > _MOST_BYTES:
            pages, size = [*pages, []], 0
        pages[-1].append(event)
        size += length
    return [page for page in pages if page]


_NOT_BUILT = {
    "code": ("run_code",),
    "terminals": ("pty.create", "pty.connect", "pty.list", "pty.kill", "pty.input", "pty.resize"),
    "agents": ("exec_task", "resume_task"),
    "browser": ("notify",),
}
STREAMS: dict[str, Stream] = {
    found.method: found
    for found in (
        subscribe_file_change,
        unsubscribe_file_change,
        *(lacking(capability, method) for capability, methods in _NOT_BUILT.items() for method in methods),
    )
}
"""By method. The browser's notices have none on the wire: its server's name stands for `notify`."""
SUBSCRIPTIONS = frozenset(found.ends for found in STREAMS.values() if found.ends)
