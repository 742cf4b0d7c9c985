"""`running_cove`: server, store and simulated sandboxes behind a Unix socket, in a thread of this process."""

import asyncio
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvicorn

from cove.app.web import http_config
from cove.core.ids import ImageId, SessionId
from cove.core.image import Image, Images
from cove.core.ports import LinkDoor
from cove.core.session import EndReason
from cove.guest.tools import catalogue
from cove.server import ServerSettings, assemble
from cove.server.http.door import Door
from cove.server.parts import no_checkpoint
from cove.server.reaper import Reaper
from cove.testing.driver import SimulatedDriver
from cove.testing.links import serving_links

T = TypeVar("T")
API_KEY = "cove_test_operator_key"
_PATIENCE_SECONDS = 60.0
_NEVER = 1e9
_ROUNDS = 100


class Clock:
    """The time as a Cove under test sees it: the true one, and what a test has let pass."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def __call__(self) -> float:
        """UTC epoch seconds."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ahead += seconds


class Cove:
    """A running Cove: where it is, with which key, and what tests may do to it."""

    def __init__(self, directory: Path, driver: SimulatedDriver, clock: Clock) -> None:
        self.directory = directory
        self.socket = directory / "cove.sock"
        self.endpoint = f"unix://{self.socket}"
        self.api_key = API_KEY
        self.driver = driver
        self.clock = clock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reaper: Reaper | None = None
        self._link_door: LinkDoor | None = None

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and everything that falls due by then be done before this returns."""
        self.clock.advance(seconds)
        if self._reaper is not None:
            self.run(self._reaper.sweep())

    def lose(self, session_id: str, reason: EndReason = EndReason.LOST) -> None:
        """End a session's sandbox without anybody's asking."""
        self.run(self.driver.lose(SessionId(session_id), reason))

    def run(self, work: Coroutine[Any, Any, T], timeout: float = _PATIENCE_SECONDS) -> T:
        """Run a coroutine on the server's loop and wait for it."""
        if self._loop is None:
            raise RuntimeError("this Cove does not run")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    async def wait(self, event: threading.Event, seconds: float = _PATIENCE_SECONDS) -> None:
        """For a driver's `before`: hold an operation until a test's thread sets `event`."""
        if not await asyncio.to_thread(event.wait, seconds):
            raise TimeoutError("no test let this operation go on")

    @property
    def link_door(self) -> LinkDoor:
        """What a gateway would ask; its answers come through `run`."""
        if self._link_door is None:
            raise RuntimeError("this Cove does not run")
        return self._link_door

    def attach(self, loop: asyncio.AbstractEventLoop, reaper: Reaper | None, link_door: LinkDoor | None) -> None:
        """The server's thread tells where it runs."""
        self._loop, self._reaper, self._link_door = loop, reaper, link_door


class _Server(uvicorn.Server):
    """uvicorn, which tells when it answers."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()


@contextmanager
def running_cove(directory: Path | None = None, *, clock: Clock | None = None, **settings: Any) -> Iterator[Cove]:
    """A Cove that serves until the block is left; `settings` replace those of `ServerSettings`.

    In a `directory` of its own it keeps its state, so that a later one may take it up; the path must be short enough
    for a Unix socket. Lifetimes and idle times are looked at in `pass_time` only.
    """
    with _home(directory) as home, _logging(), serving_links(settings) as served:
        cove = Cove(home, SimulatedDriver(home / "sandboxes"), clock or Clock())
        with _serving(cove, _assembled(cove, served)):
            yield cove


@contextmanager
def _home(directory: Path | None) -> Iterator[Path]:
    if directory:
        yield directory
        return
    home = Path(tempfile.mkdtemp(prefix="cove-", dir="/tmp"))
    try:
        yield home
    finally:
        _remove(home)


def _remove(home: Path) -> None:
    """A command of a simulated sandbox may go on, and write another file into what is being removed."""
    for _ in range(_ROUNDS):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return


@contextmanager
def _logging() -> Iterator[None]:
    """Log through the standard library, so that nothing is printed, unless the tests have a mind of their own."""
    if structlog.is_configured():
        yield
        return
    render = structlog.processors.KeyValueRenderer(key_order=["event"])
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info, render],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.reset_defaults()


def _assembled(cove: Cove, settings: dict[str, Any]) -> Door:
    checkpoint = settings.pop("checkpoint", no_checkpoint)
    defaults = {"database": cove.directory / "cove.db", "api_key": API_KEY, "reserve_bytes": 0, "sweep_seconds": _NEVER}
    images = Images((Image(id=ImageId("host")),))
    return assemble(
        cove.driver,
        images,
        catalogue(),
        ServerSettings(**{**defaults, **settings}),
        clock=cove.clock,
        checkpoint=checkpoint,
    )


def _run(server: uvicorn.Server, door: socket.socket, ended: threading.Event) -> None:
    try:
        asyncio.run(server.serve([door]))
    except SystemExit:  # uvicorn's way to say that it did not start; `_serving` says it in the test's thread
        pass
    finally:
        ended.set()


@contextmanager
def _serving(cove: Cove, application: Door) -> Iterator[None]:
    started = threading.Event()

    def tell() -> None:
        state = application.routes.state
        cove.attach(asyncio.get_running_loop(), state.get("reaper"), state.get("link_door"))
        started.set()

    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(cove.socket))
        door.listen(128)
        server = _Server(http_config(application), tell)
        thread = threading.Thread(target=_run, args=(server, door, started), name="cove", daemon=True)
        thread.start()
        try:
            if not started.wait(_PATIENCE_SECONDS) or not server.started:
                raise RuntimeError("the Cove did not start; its log says why")
            yield
        finally:
            server.should_exit = True
            thread.join(_PATIENCE_SECONDS)
            cove.socket.unlink(missing_ok=True)
