"""Servers and sessions: with named hosts, with none, and on a machine with an internet of its own."""

import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest
from tests.egress.attack import GRANTED, LASTING, NAMES, PROBE, PROBE_MS, Inside
from tests.egress.internet import Internet, internet
from tests.greeting import greeting, own_address
from tests.serving import IS_REAL
from tests.serving import served as served_by

import cove
from cove.node.images.registries import registry_hosts


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
    return served.bay.create(LASTING).unwrap()


@pytest.fixture(scope="session")
def alone(greeters: Greeters) -> Iterator[cove.Session]:
    """A session of a server without an allow list."""
    with serving() as it:
        yield it.bay.create(LASTING).unwrap()


Probe = Callable[..., str]


@pytest.fixture(scope="session")
def probe() -> Probe:
    def ask(session: cove.Session, kind: str, host: str, port: int = 0, name: str = "", *, user: str = "wuying") -> str:
        """What came of one way out of a session; begins with "nothing" where there is none."""
        words = shlex.join(["python3", "-", kind, host, str(port), name])
        return session.command.execute_command(words, PROBE_MS, stdin=PROBE, user=user).unwrap().strip()

    return ask


# a machine with an internet around it


@pytest.fixture(scope="session")
def net() -> Iterator[Internet]:
    """An operator who opens nothing."""
    if not IS_REAL:
        pytest.skip("needs root")
    with internet() as it:
        it.name(**{name: [found] for name, found in NAMES.items()})
        yield it


@pytest.fixture(scope="session")
def generous() -> Iterator[Inside]:
    """A session where the operator has opened what the attacks are after."""
    if not IS_REAL:
        pytest.skip("needs root")
    with internet(*(word for entry in GRANTED for word in ("--allow", entry))) as it, it.client() as bay:
        it.name(**{name: [found] for name, found in NAMES.items()})
        yield Inside(bay.create(LASTING).unwrap())


@pytest.fixture(scope="session")
def bay(net: Internet) -> Iterator[cove.AgentBay]:
    with net.client() as it:
        yield it


@pytest.fixture(scope="session")
def open_one(bay: cove.AgentBay) -> Inside:
    return Inside(bay.create(LASTING).unwrap())


@pytest.fixture
def inside(bay: cove.AgentBay) -> Iterator[Callable[..., Inside]]:
    """Makes sessions with policies."""
    made: list[cove.Session] = []

    def make(**policy: object) -> Inside:
        made.append(bay.create(cove.CreateSessionParams(network=dict(policy))).unwrap())
        return Inside(made[-1])

    yield make
    for session in made:
        session.delete().unwrap()
