"""A server with named hosts, one with none, and hosts of this machine's own to reach or not to reach."""

import os
import shlex
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.serving import served as served_by

import cove
from cove.node.images.registries import registry_hosts

PROBE = Path(__file__).with_name("probe.py").read_text()


class Greeters(msgspec.Struct):
    """Servers on this machine that say hello: one that is allowed, one beside it, and one on loopback by a name."""

    host: str
    allowed: int
    other: int
    loopback: int


class Served(msgspec.Struct):
    """A server, and a client of it."""

    data: Path
    bay: cove.AgentBay


@contextmanager
def greeting(host: str) -> Iterator[int]:
    """A server at `host` that says hello to whoever speaks; its port."""
    with socket.create_server((host, 0)) as door:
        threading.Thread(target=_greet, args=(door,), daemon=True).start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)


def _greet(door: socket.socket) -> None:
    while True:
        try:
            connection, _ = door.accept()
        except OSError:  # the test is over
            return
        with connection:
            connection.recv(64)
            connection.sendall(b"hello")


def own_address() -> str:
    """An address of this machine other than loopback: its own part of the docker or host network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))  # sends nothing: the kernel only chooses the address
        return str(asked.getsockname()[0])


@contextmanager
def serving(*allow: str) -> Iterator[Served]:
    """`cove up` with an allow list, in a process of its own; its sessions end with it."""
    words = [word for entry in allow for word in ("--allow", entry)]
    with served_by("--network", "rules", *words) as server, server.client() as bay:
        yield Served(server.data, bay)


@pytest.fixture(scope="session")
def greeters() -> Iterator[Greeters]:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    host = own_address()
    with ExitStack() as stack:
        ports = [stack.enter_context(greeting(each)) for each in (host, host, "127.0.0.1")]
        yield Greeters(host, *ports)


@pytest.fixture(scope="session")
def registries() -> tuple[str, ...]:
    return registry_hosts()


@pytest.fixture(scope="session")
def served(greeters: Greeters, registries: tuple[str, ...]) -> Iterator[Served]:
    """A server whose sessions may reach the registries, one greeter, and a name that leads to loopback."""
    with serving(*registries, f"{greeters.host}:{greeters.allowed}", f"localhost:{greeters.loopback}") as it:
        yield it


@pytest.fixture(scope="session")
def session(served: Served) -> cove.Session:
    return served.bay.create(cove.CreateSessionParams(max_lifetime=3600, idle_release_timeout=3600)).unwrap()


@pytest.fixture(scope="session")
def alone(greeters: Greeters) -> Iterator[cove.Session]:
    """A session of a server without an allow list."""
    with serving() as it:
        yield it.bay.create().unwrap()


Probe = Callable[..., str]


@pytest.fixture(scope="session")
def probe() -> Probe:
    def ask(session: cove.Session, kind: str, host: str, port: int = 0, name: str = "", *, user: str = "wuying") -> str:
        """What came of one way out of a session; begins with "nothing" where there is none."""
        words = shlex.join(["python3", "-", kind, host, str(port), name])
        return session.command.execute_command(words, stdin=PROBE, user=user).unwrap().strip()

    return ask
