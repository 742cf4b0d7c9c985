"""One request to a session's server, and its answer: streamed both ways, as fast as the slower end takes it."""

import asyncio

from cove.core.ids import SessionId
from cove.gateway import head
from cove.gateway.framing import LAST_CHUNK, Chunked, Counted, Endless, Framing
from cove.gateway.head import Fields, HttpError, Pairs, Request, Response, write_request, write_response
from cove.gateway.places import Visit
from cove.gateway.sessions import Visited
from cove.gateway.splicing import WORTH_IT, splice
from cove.gateway.translation import inward, is_upgrade, outward
from cove.gateway.tunnel import tunnel
from cove.gateway.wire import Broken, Wire

_MOST_HEADS = 16
"""What a server may say on the way (1xx), and then its answer."""
_WITHOUT_BODY = frozenset({204, 304})


class NoAnswer(Exception):  # noqa: N818 - named by what happened
    """The server closed before it answered, or answered something that is no HTTP; the text says which."""


class Exchange:
    """Carries one request of `client` to `server`, which is connected to `port` of the visited session.

    `has_begun` once the client was sent anything. The server's connection is kept for others, or aborted, by `run`.
    """

    def __init__(self, client: Wire, server: Wire, visit: Visit, visited: Visited, port: int) -> None:
        self.has_begun = False
        self._client, self._server = client, server
        self._visit, self._visited, self._port = visit, visited, port

    @property
    def session_id(self) -> SessionId:
        """The session that is visited."""
        return self._visited.session_id

    async def run(self, request: Request, peer: str) -> bool:
        """Whether the client may send another request; raises NoAnswer while nothing has begun, HttpError, Broken."""
        body = request_framing(request.fields)
        fields = inward(request, self._visit, self._port, peer) + _framed(request.fields, body)
        try:
            await self._welcome(request)
            await self._ask(write_request(request.method, self._visit.target, fields))
            is_kept, goes_on = await (self._answer(request) if body.is_done else self._both_ways(request, body))
        except BaseException:
            self._server.abort()
            raise
        if is_kept:
            self._visited.keep(self._port, self._server)
        else:
            self._server.close()
        return goes_on

    async def _welcome(self, request: Request) -> None:
        """A client that waits for a word before it sends its body gets it; one that left while we dialled is let go."""
        if self._client.has_ended:
            raise Broken
        if request.fields.first("expect").lower() == "100-continue":
            await self._client.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _ask(self, request: bytes) -> None:
        try:
            await self._server.send(request)
        except Broken as error:
            raise NoAnswer("closed the connection before it answered") from error

    async def _both_ways(self, request: Request, body: Framing) -> tuple[bool, bool]:
        """The body goes in while the answer comes out, and either may end first."""
        sending = asyncio.create_task(self._send_body(body))
        try:
            is_kept, goes_on = await self._answer(request)
        except (NoAnswer, Broken):
            if sending.done() and not sending.cancelled() and isinstance(sending.exception(), HttpError):
                await sending
            raise
        finally:
            sending.cancel()
            await asyncio.wait([sending])
        is_sent = not sending.cancelled() and sending.exception() is None
        return is_kept and is_sent, goes_on and is_sent

    async def _send_body(self, body: Framing) -> None:
        """What the client sends after this body is the beginning of its next request."""
        try:
            while not body.is_done:
                await self._send_part(body)
        except HttpError:
            self._server.abort()  # half a body must not look like a whole one
            raise
        if isinstance(body, Chunked):
            await self._server.send(LAST_CHUNK)

    async def _send_part(self, body: Framing) -> None:
        data = await self._client.some()
        if not data:
            raise Broken
        part, rest = body.take(data)
        self._visited.has_flow = True
        self._client.put_back(rest)
        if part:
            await self._server.send(*_in_chunk(part) if isinstance(body, Chunked) else (part,))

    async def _answer(self, request: Request) -> tuple[bool, bool]:
        """Whether the server's connection, and whether the client's, may be used again."""
        response = await self._response_head()
        if response.status == 101:
            return await self._switch(request, response)
        framing = self._response_framing(request, response)
        is_chunked = not isinstance(framing, Counted) and request.minor == 1
        goes_on = _goes_on(request) and (is_chunked or isinstance(framing, Counted))
        fields = outward(response, self._visit, self._port) + _answer_framing(response, framing, is_chunked)
        if not goes_on:
            fields.append(("Connection", "close"))
        await self._carry(write_response(response.status, response.reason, fields), framing, is_chunked)
        return not isinstance(framing, Endless) and _goes_on(response), goes_on

    async def _response_head(self) -> Response:
        """The first that is final: what a server says on the way stays between it and us."""
        try:
            for _ in range(_MOST_HEADS):
                found = await self._server.head()
                if found is None:
                    raise NoAnswer("closed the connection before it answered")
                response = head.parse_response(found)
                if response.status >= 200 or response.status == 101:
                    return response
        except Broken as error:
            raise NoAnswer("closed the connection in the middle of its answer's head") from error
        except HttpError as error:
            raise NoAnswer(f"answered something that is no HTTP: {error}") from error
        raise NoAnswer("says one thing after the other, and no answer")

    def _response_framing(self, request: Request, response: Response) -> Framing:
        if request.method == "HEAD" or response.status in _WITHOUT_BODY:
            return Counted(0)
        try:
            length = response.fields.length()
        except HttpError as error:
            raise NoAnswer(f"answered something that is no HTTP: {error}") from error
        if length is None:
            return Chunked()
        return Counted(length) if length >= 0 else Endless()

    async def _switch(self, request: Request, response: Response) -> tuple[bool, bool]:
        is_asked = is_upgrade(request.fields) and request_framing(request.fields).is_done
        if not is_asked or not is_upgrade(response.fields):
            raise NoAnswer("changed to a protocol that nobody asked for")
        fields = outward(response, self._visit, self._port)
        fields += [("Connection", "Upgrade"), ("Upgrade", "websocket")]
        self.has_begun = True
        await self._client.send(write_response(101, response.reason, fields))
        await tunnel(self._client, self._server, self._visited)
        return False, False

    async def _carry(self, first: bytes, framing: Framing, is_chunked: bool) -> None:
        """The head goes with what has come of the body. Raises Broken where the server ends in the body's middle."""
        data, parts = self._server.held(), [first]
        while True:
            part = self._taken(framing, data)
            self._visited.has_flow = self.has_begun = True
            if part:
                parts += _in_chunk(part) if is_chunked else (part,)
            if framing.is_done:
                break
            if parts:
                await self._client.send(*parts)
            if isinstance(framing, Counted) and framing.left >= WORTH_IT and not self._client.is_secure:
                await splice(self._server, self._client, framing.left, self._visited)
                return
            parts, data = [], await self._server.some()
            if not data and isinstance(framing, Endless):
                break
            if not data:
                raise Broken
        if is_chunked:
            parts.append(LAST_CHUNK)
        if parts:
            await self._client.send(*parts)

    def _taken(self, framing: Framing, data: bytes) -> bytes:
        try:
            part, rest = framing.take(data)
        except HttpError as error:
            if self.has_begun:
                raise Broken from error
            raise NoAnswer(f"answered something that is no HTTP: {error}") from error
        self._server.put_back(rest)
        return part


def request_framing(fields: Fields) -> Framing:
    """How a request's body ends: without a word of it, there is none. Raises HttpError."""
    length = fields.length()
    return Chunked() if length is None else Counted(max(0, length))


def _framed(fields: Fields, body: Framing) -> Pairs:
    if isinstance(body, Chunked):
        return [("Transfer-Encoding", "chunked")]
    return [("Content-Length", each) for each in fields.all("content-length")]


def _answer_framing(response: Response, framing: Framing, is_chunked: bool) -> Pairs:
    if is_chunked:
        return [("Transfer-Encoding", "chunked")]
    if not isinstance(framing, Counted) or response.status == 204:
        return []
    return [("Content-Length", each) for each in response.fields.all("content-length")[:1]]


def _goes_on(message: Request | Response) -> bool:
    """Whether its sender keeps the connection. That HTTP/1.0 could, too, is not made use of."""
    return message.minor == 1 and "close" not in message.fields.tokens("connection")


def _in_chunk(part: bytes) -> tuple[bytes, ...]:
    return b"%x\r\n" % len(part), part, b"\r\n"
