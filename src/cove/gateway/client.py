"""One connection of a client: its requests, one after the other, each let in by its own token or refused."""

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from cove.core.errors import CoveError, GuestSilent, InvalidInput, LinkRefused
from cove.core.ports import Admission
from cove.gateway import answers
from cove.gateway.exchange import Exchange, NoAnswer, request_framing
from cove.gateway.head import HttpError, Request, parse_request
from cove.gateway.places import Misdirected, Visit, has_visited, is_navigation, query_of
from cove.gateway.sessions import Visited
from cove.gateway.translation import is_upgrade
from cove.gateway.wire import Broken, Wire

if TYPE_CHECKING:
    from cove.gateway.service import Service

_KEEP_SECONDS = 75.0
"""How long a connection may lie still between two requests."""
_ANSWER_SECONDS = 900.0
"""How long a server may think before its answer begins: as long as a tool call may take."""
_LAST_SECONDS = 2.0
_LAST_BYTES = 1024 * 1024
"""How much of a refused body is still taken, so that the refusal is read and not lost in a reset."""
_LONGEST_NAME = 200
"""Characters of what a client calls itself that are told to the server."""
_NEVER = float("inf")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that may be sent again where a connection that lay ready turns out to be closed."""
_FULL = "this session's links have as many connections as they may; close some, or try again"


class Client(Wire):
    """A client's connection. `deadline` is a time of the loop's clock by which something must have come."""

    def __init__(self, service: "Service") -> None:
        super().__init__()
        self.deadline = _NEVER
        self._service = service
        self._task: asyncio.Task[None] | None = None
        self._exchange: Exchange | None = None
        self._cut_by: CoveError | None = None
        self._is_page = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve it."""
        super().connection_made(transport)
        self._local = "{}:{}".format(*transport.get_extra_info("sockname")[:2])
        self._peer = str(transport.get_extra_info("peername")[0])
        if not self._service.opened(self):
            self.abort()
            return
        self._wait(self._service.head_seconds)
        self._task = asyncio.get_running_loop().create_task(self._live())

    def eof_received(self) -> bool:
        """A client that hangs up waits for nothing more, and neither does the session."""
        stays = super().eof_received()
        if not stays and self._exchange and self._task:
            self._task.cancel()
        return stays

    def connection_lost(self, error: Exception | None) -> None:
        """The same, where it broke."""
        super().connection_lost(error)
        if self._exchange and self._task:
            self._task.cancel()

    def cut(self, reason: CoveError) -> None:
        """Break it off; where its answer has not begun, it is told why."""
        self._cut_by = reason
        if self._task:
            self._task.cancel()

    def expire(self) -> None:
        """What was waited for has not come in time. An answer that has begun may take as long as it likes."""
        self.deadline = _NEVER
        if self._exchange is None:
            self.abort()
        elif not self._exchange.has_begun:
            self.cut(GuestSilent(session_id=self._exchange.session_id, seconds=_ANSWER_SECONDS))

    async def _live(self) -> None:
        try:
            while await self._serve_one():
                self._exchange = None
                self._wait(_KEEP_SECONDS)
            self.close()
        except (Broken, HttpError):
            self.abort()
        except asyncio.CancelledError:
            if self._cut_by and not (self._exchange and self._exchange.has_begun):
                self.transport.write(answers.refused(self._cut_by, as_page=self._is_page))
                self.close()
            else:
                self.abort()
        finally:
            self._service.left(self)
            if not self.transport.is_closing():  # a defect of ours, whose traceback the loop writes into the log
                self.abort()

    async def _serve_one(self) -> bool:
        """Whether the connection may carry another request."""
        try:
            found = await self.head()
            return found is not None and await self._visit(parse_request(found))
        except HttpError as error:
            return await self._refuse(400, f"this request cannot be read: {error}")
        except Misdirected:
            return await self._refuse(421, "no link lives at the host that this request names")
        except CoveError as error:
            return await self._say_last(answers.refused(error, as_page=self._is_page))
        except NoAnswer as error:
            return await self._refuse(502, f"the session's server {error}")

    async def _visit(self, request: Request) -> bool:
        self._is_page = "text/html" in request.fields.first("accept")
        if not request.target.startswith("/") or request.method in ("CONNECT", "TRACE"):
            raise HttpError("only paths are passed on, and neither CONNECT nor TRACE")
        request_framing(request.fields)
        visit = self._service.place(request, self._local)
        self.deadline = _NEVER
        if visit.is_tool_call:
            return await self._call_tool(request, visit)
        admission = await self._service.admit(visit.token)
        if admission.host != visit.host:
            raise LinkRefused(problem="it belongs to another address")
        if admission.port is None:
            raise LinkRefused(problem="it names no port")
        if visit.prefix and is_navigation(request):
            is_known = has_visited(request, admission.session_id)
            return await self._say_last(answers.handing_over(visit, admission.session_id, is_known=is_known))
        return await self._enter(request, visit, admission, admission.port)

    async def _enter(self, request: Request, visit: Visit, admission: Admission, port: int) -> bool:
        """As one of the session's visitors, who are cut when the link is."""
        visited = self._service.sessions.enter(admission, self)
        if visited is None:
            return await self._refuse(503, _FULL)
        try:
            return await self._exchanged(request, visit, visited, port)
        finally:
            self._service.sessions.leave(visited, self)

    async def _exchanged(self, request: Request, visit: Visit, visited: Visited, port: int) -> bool:
        is_repeatable = request.method in _SAFE and request_framing(request.fields).is_done
        server = visited.ready(port) if is_repeatable and not is_upgrade(request.fields) else None
        if server is not None:
            with contextlib.suppress(NoAnswer):  # it was closed meanwhile
                return await self._run(Exchange(self, server, visit, visited, port), request)
        async with visited.dialling:
            server = await self._dialled(visit.token)
        return await self._run(Exchange(self, server, visit, visited, port), request)

    async def _run(self, exchange: Exchange, request: Request) -> bool:
        self._exchange = exchange
        self._wait(_ANSWER_SECONDS)
        try:
            return await exchange.run(request, self._peer)
        except HttpError:
            if exchange.has_begun:
                raise Broken from None
            raise
        finally:
            self._exchange = exchange if exchange.has_begun else None

    async def _dialled(self, token: str) -> Wire:
        dialled = await self._service.dial(token)
        try:
            _, server = await asyncio.get_running_loop().connect_accepted_socket(Wire, dialled)
        except BaseException:
            dialled.close()
            raise
        return server

    async def _call_tool(self, request: Request, visit: Visit) -> bool:
        """`GET /callTool?server=&tool=&args=&token=&requestId=`, as clients within the same network ask it."""
        try:
            if request.method != "GET":
                raise InvalidInput(name="method", value=request.method, remedy="send a GET")
            if (await self._service.admit(visit.token)).host != visit.host:
                raise LinkRefused(problem="it belongs to another address")
            query = query_of(request.target)
            result = await self._service.call_tool(
                visit.token,
                query.get("tool", ""),
                _arguments(query.get("args", "")),
                request_id=query.get("requestId", ""),
                user_agent=request.fields.first("user-agent")[:_LONGEST_NAME],
            )
        except CoveError as error:
            return await self._say_last(answers.tool_refused(error))
        return await self._say_last(answers.tool_result(result))

    async def _refuse(self, status: int, sentence: str) -> bool:
        if self._exchange and self._exchange.has_begun:
            raise Broken
        return await self._say_last(
            answers.refusal(status, sentence, as_page=self._is_page, is_retryable=status in (502, 503, 504))
        )

    async def _say_last(self, answer: bytes) -> bool:
        """Answer, and take for a while what still comes: closing earlier would reset the answer, too."""
        self._wait(_LAST_SECONDS)
        await self.send(answer)
        self.end()
        taken = 0
        while taken < _LAST_BYTES and (data := await self.some()):
            taken += len(data)
        return False

    def _wait(self, seconds: float) -> None:
        self.deadline = asyncio.get_running_loop().time() + seconds


def _arguments(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(name="args", value=text[:80], remedy="give a JSON object") from error
    if not isinstance(arguments, dict):
        raise InvalidInput(name="args", value=text[:80], remedy="give a JSON object")
    return arguments
