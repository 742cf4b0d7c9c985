"""One connection of a session's WebSocket: what is asked on it, and the streams that answer."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Any, Protocol

import msgspec
import structlog
from litestar.types import Receive, Send

from cove.compat.link.frames import Asked, acknowledge, answer, invocation_of, read_frame, refuse, stream_of
from cove.compat.operations import Service
from cove.compat.operations.streams import STREAMS, SUBSCRIPTIONS, Said, Stream
from cove.core.errors import CoveError, Exhausted, InternalError, InvalidInput, LinkRefused, SessionNotFound
from cove.core.ids import SessionId

MOST_STREAMS = 32
MOST_UNREADABLE = 16
"""Messages that are none, after which a connection is ended."""
_CHECK_SECONDS = 2.0
_CLOSED_BY_CLIENT = (1000, 1001)
_POLICY, _DEFECT, _RESTART = 1008, 1011, 1012
_LONGEST_REASON = 100
"""Characters: a closing frame has room for so many."""
Key = tuple[str, msgspec.Struct]
log = structlog.get_logger("cove.server")


class HangUp(Exception):  # noqa: N818 - named by what is to be done
    """The connection is to be ended with this code; `is_lost` where its client will want to go on on another."""

    def __init__(self, code: int | None, reason: str = "", *, is_lost: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.is_lost = code, reason, is_lost


class Subscription:
    """What a client is told of until as many as asked for it, `count`, have ended it; `stands` once it ever began."""

    def __init__(self, asked: Asked, stream: Stream, request: msgspec.Struct, count: int = 1) -> None:
        self.asked, self.stream, self.request, self.count = asked, stream, request, count
        self.stands = False
        self.task: asyncio.Task[None] | None = None

    def again(self) -> "Subscription":
        """The same for another connection."""
        twin = Subscription(self.asked, self.stream, self.request, self.count)
        twin.stands = True
        return twin

    @property
    def key(self) -> Key:
        """The same for everybody who asks for the same."""
        return self.stream.method, self.request


class Record(Protocol):
    """What is kept of a connection's subscriptions."""

    def replace(self, ids: list[str]) -> None:
        """What is kept under these ids goes with the next `write`."""

    async def write(self, subscriptions: list[Subscription]) -> None:
        """Replace what is kept; raises DiskFull."""


class Conversation:
    """Its streams are tasks of one group, and end with it. `subscriptions` are those that run, or ran to the end.

    Before a client learns that one began or ended, that stands in `record`, and so outlives this server.
    """

    def __init__(
        self, service: Service, caller: Any, session_id: SessionId, token: str, send: Send, record: Record
    ) -> None:
        self.subscriptions: dict[Key, Subscription] = {}
        self.record = record
        self._service, self._caller, self._session_id, self._token = service, caller, session_id, token
        self._send = send
        self._pushes = self._unreadable = 0
        self.gone = asyncio.Event()
        """Set once it is over; from then on the next one finds what was subscribed to on it."""
        self._is_listening = False
        self._streams: set[asyncio.Task[None]] = set()

    async def run(self, receive: Receive, earlier: Iterable[Subscription]) -> bool:
        """Until either side ends it; whether the client did not want that. It begins with `earlier` subscriptions."""
        is_lost = False
        try:
            async with asyncio.TaskGroup() as self._group:
                self._begin_task(self._look_again)
                self.resume(earlier)
                self._is_listening = True
                try:
                    await self._listen(receive)
                finally:
                    self._is_listening = False
        except* HangUp as ends:
            end = _first(ends)
            is_lost = end.is_lost
            await self._close(end)
        except* OSError:
            is_lost = True
        return is_lost

    @property
    def is_idle(self) -> bool:
        """Whether it goes on, and nothing is subscribed to on it."""
        return self._is_listening and not self.subscriptions

    @property
    def is_leaving(self) -> bool:
        """Whether it has ended, and that is not noted yet."""
        return not self._is_listening and not self.gone.is_set()

    def resume(self, earlier: Iterable[Subscription]) -> None:
        """Go on with subscriptions of connections that were lost."""
        for subscription in {each.key: each for each in earlier}.values():
            self._subscribe(subscription.again())

    async def _listen(self, receive: Receive) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            await self._hear(message.get("text") or message.get("bytes") or b"")
            await asyncio.sleep(0)  # many may be there without waiting: let others have their turn
        raise HangUp(None, is_lost=message.get("code") not in _CLOSED_BY_CLIENT)

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            await self._check()

    async def _check(self) -> None:
        """Whether the token is still good."""
        try:
            await self._service.holder(self._session_id, self._token, is_socket=True)
        except (LinkRefused, SessionNotFound) as error:
            raise HangUp(_POLICY, str(error)) from error
        except CoveError:
            return  # there is much to do just now

    async def _hear(self, text: str | bytes) -> None:
        await self._check()
        try:
            asked = read_frame(text)
        except InvalidInput as error:
            await self._refuse(error, invocation_of(text), "an unreadable message")
            self._unreadable += 1
            if self._unreadable >= MOST_UNREADABLE:
                raise HangUp(_POLICY, "too many messages that cannot be read") from error
            return
        if asked is None:
            return
        try:
            await self._begin(asked, *stream_of(asked))
        except CoveError as error:
            await self._refuse(error, asked.invocation_id, _shown(asked))

    async def _begin(self, asked: Asked, stream: Stream, request: msgspec.Struct) -> None:
        running = self.subscriptions.get((stream.method, request))
        if stream.ends:
            self._end((stream.ends, request))
        elif running is not None:
            running.count += 1
        elif len(self._streams) >= MOST_STREAMS:
            raise Exhausted(reason=f"{MOST_STREAMS} streams run on this connection; end one")
        else:
            self._subscribe(Subscription(asked, stream, request))
            return
        await self._write()
        await self._send_text(acknowledge(asked))

    def _end(self, key: Key) -> None:
        """One subscriber less; the last one ends the stream."""
        running = self.subscriptions.get(key)
        if running is None:
            return
        running.count -= 1
        if not running.count:
            del self.subscriptions[key]
            if running.task is not None:
                running.task.cancel()

    def _subscribe(self, subscription: Subscription) -> None:
        stream = subscription.stream
        task = subscription.task = self._begin_task(partial(self._talk, subscription))
        self._streams.add(task)
        task.add_done_callback(self._streams.discard)
        if stream.method in SUBSCRIPTIONS:
            self.subscriptions[subscription.key] = subscription

    def _begin_task(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """A task of the group, whose failure ends the others: from then on nothing is begun."""

        async def done() -> None:
            try:
                await work()
            except Exception:
                self._is_listening = False
                raise

        return self._group.create_task(done())

    async def _talk(self, subscription: Subscription) -> None:
        """Say what a stream says; of one that is resumed the pushes only, for its client has been answered before."""
        asked, stream, key = subscription.asked, subscription.stream, subscription.key
        has_begun, is_resumed = False, subscription.stands
        try:
            async with aclosing(self._said(subscription)) as said:
                async for what in said:
                    if not has_begun and stream.method in SUBSCRIPTIONS:
                        subscription.stands = True
                        await self._write()
                    has_begun = True
                    self._pushes += what.is_push
                    if what.is_push or not is_resumed:
                        await self._send_text(answer(asked, what, self._pushes))
        except CoveError as error:
            await self._refuse(error, asked.invocation_id, _shown(asked))
            if not has_begun:
                self.subscriptions.pop(key, None)
                return
        except (OSError, HangUp):
            raise
        except Exception as error:  # an edge: whatever nobody expected
            log.error("a stream failed", asks=_shown(asked), exc_info=error)
            raise HangUp(_DEFECT, str(InternalError(request_id=asked.invocation_id))) from error
        if stream.method in SUBSCRIPTIONS:
            raise HangUp(_RESTART, "a subscription ended; connect again", is_lost=True)

    async def _write(self) -> None:
        await self.record.write([each for each in self.subscriptions.values() if each.stands])

    def _said(self, subscription: Subscription) -> AsyncGenerator[Said, None]:
        return subscription.stream.talk(self._service, self._caller, self._session_id, subscription.request)

    async def _refuse(self, error: CoveError, invocation_id: str, asks: str) -> None:
        log.info("refused", dialect="link", asks=f"websocket {asks}", error=error.code)
        await self._send_text(refuse(error, invocation_id))

    async def _send_text(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text, "bytes": None})

    async def _close(self, end: HangUp) -> None:
        if end.code is None:
            return
        try:
            await self._send({"type": "websocket.close", "code": end.code, "reason": end.reason[:_LONGEST_REASON]})
        except OSError:
            return  # it has gone by itself


def _shown(asked: Asked) -> str:
    return asked.method if asked.method in STREAMS else "an unknown method"


def _first(group: BaseExceptionGroup[HangUp]) -> HangUp:
    first = group.exceptions[0]
    return first if isinstance(first, HangUp) else _first(first)
