"""The few things that differ between the two clients: HTTP, sleep, and what a cancellation must not cut short."""

import functools
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from cove.core.errors import (
    AnswerMalformed,
    AnswerTimedOut,
    ConnectionLost,
    InvalidInput,
)
from cove.core.version import __version__
from cove.sdk._local import LocalCove, meet
from cove.sdk._settings import Address, ClientSettings
from cove.sdk._trust import trusting, unreachable
from cove.sdk._wire.messages import Reply, Request

if TYPE_CHECKING:
    import httpx2

    from cove.sdk._plain import PlainHttp

P = ParamSpec("P")
T = TypeVar("T")
CONNECT_SECONDS = 10.0
sleep = time.sleep


async def async_sleep(seconds: float) -> None:
    """Sleep on whatever loop runs."""
    import anyio

    await anyio.sleep(seconds)


def async_awaitable(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The method itself: in the async client it is to be awaited as it is."""
    return method


def awaitable(method: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """A method of the sync client for a program with a loop: it waits in a thread, and the loop goes on."""

    @functools.wraps(method)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> T:
        from anyio import to_thread

        return await to_thread.run_sync(functools.partial(method, *args, **kwargs), abandon_on_cancel=True)

    return awaited


def async_unhurried(seconds: float) -> AbstractContextManager[Any]:
    """A block that a cancellation from outside does not cut short, for at most so many seconds."""
    import anyio

    return anyio.move_on_after(seconds, shield=True)


def unhurried(seconds: float) -> AbstractContextManager[Any]:
    """The same for threads, which nobody cancels: the requests in it have time limits of their own."""
    return nullcontext()


def met(local: LocalCove) -> None:
    """See that the local Cove answers."""
    meet(local)


async def async_met(local: LocalCove) -> None:
    """The same; the loop runs on meanwhile."""
    import anyio.to_thread

    await anyio.to_thread.run_sync(meet, local, abandon_on_cancel=True)


class Http:
    """HTTP for many threads, over one pool of connections that is closed with this object or at exit.

    What sends is made, and loaded, at the first request: the library that speaks TLS takes long.
    """

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._plain: PlainHttp | None = None
        self._pool: httpx2.Client | None = None

    def send(self, request: Request[Any]) -> Reply:
        """Send and receive; raises a TransportFailed."""
        seconds = _seconds(self._settings, request)
        if self._settings.address.base_url.startswith("http://"):
            return self._plainly().send(request, seconds, request.connect_timeout or CONNECT_SECONDS)
        client = self._client()
        with _translated(self._settings.address, request, seconds):
            return _reply(client.request(**_arguments(self._settings, request)))

    def _plainly(self) -> "PlainHttp":
        from cove.sdk._plain import PlainHttp

        with self._lock:
            if self._plain is None:
                self._plain = PlainHttp(self._settings.address, _headers(self._settings))
            return self._plain

    def _client(self) -> "httpx2.Client":
        import httpx2

        with self._lock:
            if self._pool is None:
                trust = trusting(self._settings)
                self._pool = httpx2.Client(limits=_limits(), verify=trust, **_options(self._settings))
                weakref.finalize(self, self._pool.close)
            return self._pool

    def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        with self._lock:
            closing, self._plain, self._pool = (self._plain, self._pool), None, None
        for connections in closing:
            if connections is not None:
                connections.close()


class AsyncHttp:
    """HTTP for tasks. Connections belong to the loop that opened them, so each loop gets a pool of its own."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        self._pools: weakref.WeakKeyDictionary[Any, tuple[httpx2.AsyncClient, AsyncGenerator[None]]]
        self._pools = weakref.WeakKeyDictionary()

    async def _client(self) -> "httpx2.AsyncClient":
        """The pool of the loop that runs."""
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._pools:
            client = self._make()
            closer = _closed_with_loop(client)
            self._pools[loop] = client, closer
            await anext(closer)
        return self._pools[loop][0]

    def _make(self) -> "httpx2.AsyncClient":
        import httpx2

        address = self._settings.address
        if address.base_url.startswith("http://"):
            transport = httpx2.AsyncHTTPTransport(verify=False, uds=address.socket, limits=_limits())
            return httpx2.AsyncClient(transport=transport, trust_env=False, **_options(self._settings))
        return httpx2.AsyncClient(limits=_limits(), verify=trusting(self._settings), **_options(self._settings))

    async def send(self, request: Request[Any]) -> Reply:
        """Send and receive; raises a TransportFailed."""
        client = await self._client()
        with _translated(self._settings.address, request, _seconds(self._settings, request)):
            return _reply(await client.request(**_arguments(self._settings, request)))

    async def close(self) -> None:
        """Close the connections of this loop."""
        import asyncio

        pool = self._pools.pop(asyncio.get_running_loop(), None)
        if pool is not None:
            await pool[1].aclose()


async def _closed_with_loop(client: "httpx2.AsyncClient") -> AsyncGenerator[None]:
    """Closes the client when the loop shuts its generators down, so that nobody is warned who forgot `close()`."""
    try:
        yield
    finally:
        await client.aclose()


def _limits() -> "httpx2.Limits":
    import httpx2

    return httpx2.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=30.0)


def _headers(settings: ClientSettings) -> dict[str, str]:
    headers = {"User-Agent": f"cove/{__version__}", "Accept": "application/json"}
    if settings.api_key:
        headers["Authorization"] = f"Bearer {settings.api_key}"
    return headers


def _options(settings: ClientSettings) -> dict[str, Any]:
    return {"base_url": settings.address.base_url, "headers": _headers(settings)}


def _seconds(settings: ClientSettings, request: Request[Any]) -> float:
    return settings.timeout if request.read_timeout is None else request.read_timeout


def _arguments(settings: ClientSettings, request: Request[Any]) -> dict[str, Any]:
    import httpx2

    seconds = _seconds(settings, request)
    headers = dict(request.headers)
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    return {
        "method": request.method,
        "url": request.path,
        "params": list(request.query) or None,
        "content": request.body,
        "headers": headers,
        "timeout": httpx2.Timeout(seconds, connect=request.connect_timeout or CONNECT_SECONDS),
    }


def _reply(response: "httpx2.Response") -> Reply:
    return Reply(
        status=response.status_code, request_id=response.headers.get("X-Request-Id", ""), body=response.content
    )


@contextmanager
def _translated(address: Address, request: Request[Any], seconds: float) -> Iterator[None]:
    """Our error for the library's, which is left out where ours says it all: a user's traceback stays short."""
    import httpx2

    facts = {"endpoint": address.shown, "request": request.name}
    try:
        yield
    except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
        raise unreachable(address.shown, error) from None
    except httpx2.TimeoutException:
        raise AnswerTimedOut(seconds=seconds, **facts) from None
    except httpx2.NetworkError:
        raise ConnectionLost(**facts) from None
    except httpx2.RemoteProtocolError as error:
        if "disconnected" in str(error) or "closed connection" in str(error):
            raise ConnectionLost(**facts) from None
        raise AnswerMalformed(reason=str(error), **facts) from error
    except (httpx2.DecodingError, httpx2.ProxyError) as error:
        raise AnswerMalformed(reason=str(error), **facts) from error
    except (httpx2.InvalidURL, httpx2.LocalProtocolError) as error:
        raise InvalidInput(name="request", value=request.name, remedy=str(error)) from error
