"""A Cove with every wall, one without each, and a host with something worth stealing."""

import os
import secrets
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest

from .running import HERE, Inside, Running


class Loot:
    """Secrets on the host, and doors of it that no session may come through; made before any image is rendered."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        places = ("/root/.config/cove-test", "/home/cove-test", "/etc/cove-test", "/usr/local/share/cove-test")
        self._directories = [Path(f"{place}-{self.token}") for place in places]
        self.secrets = [directory / "secret" for directory in self._directories]
        self._doors = ExitStack()

    def __enter__(self) -> "Loot":
        for path in self.secrets:
            path.parent.mkdir(parents=True)
            path.touch(mode=0o600)
            path.write_text(self.token)
        self.port, self.datagram_port = self._open_tcp(), self._open_udp()
        self._open_abstract()
        return self

    def __exit__(self, *_: object) -> None:
        self._doors.close()
        for directory in self._directories:
            shutil.rmtree(directory)

    def facts(self, running: Running) -> dict[str, str]:
        """What the arguments of an attack may name."""
        return {
            "token": self.token,
            "secrets": " ".join(map(str, self.secrets)),
            "data": str(running.data),
            "checkout": str(HERE.parents[1]),
            "server": str(running.process.pid),
            "port": str(self.port),
            "datagram_port": str(self.datagram_port),
        }

    def _open_tcp(self) -> int:
        door = self._doors.enter_context(socket.create_server(("127.0.0.1", 0)))
        return int(door.getsockname()[1])

    def _open_udp(self) -> int:
        door = self._doors.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        door.bind(("127.0.0.1", 0))
        threading.Thread(target=_echo, args=(door,), daemon=True).start()
        return int(door.getsockname()[1])

    def _open_abstract(self) -> None:
        door = self._doors.enter_context(socket.socket(socket.AF_UNIX))
        door.bind(f"\0{self.token}")
        door.listen()


def _echo(door: socket.socket) -> None:
    with suppress(OSError):  # closed, at the end
        while True:
            data, sender = door.recvfrom(100)
            door.sendto(data, sender)


@pytest.fixture(scope="session")
def loot() -> Iterator[Loot]:
    """What there is to find."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    with Loot() as loot:
        yield loot


@pytest.fixture(scope="session")
def cove(loot: Loot) -> Iterator[Running]:
    """A Cove with every wall."""
    with Running(token=loot.token) as running:
        yield running


@pytest.fixture(scope="session")
def serve(cove: Running, loot: Loot) -> Callable[..., Running]:
    """Starts one more, without the named walls or with other settings."""
    return partial(Running, token=loot.token, rendered=cove.data)


@pytest.fixture(scope="module")
def breaches(serve: Callable[..., Running], walled: Inside) -> Iterator[Callable[[str], Inside]]:
    """A session that lacks the named wall, or none with the empty name: the same for the same name."""
    made = {"": walled}
    with ExitStack() as servers:

        def breach(control: str) -> Inside:
            if control not in made:
                made[control] = servers.enter_context(serve(control)).session()
            return made[control]

        yield breach


@pytest.fixture(scope="session")
def walled(cove: Running) -> Inside:
    """A session behind every wall, shared by the attacks that break nothing."""
    return cove.session()


@pytest.fixture
def inside(cove: Running) -> Iterator[Inside]:
    """A session behind every wall, of a test's own."""
    with cove.session() as inside:
        yield inside


@pytest.fixture(scope="session")
def neighbour(cove: Running) -> Iterator[Inside]:
    """Another session on the same Cove, which is to be well whatever happens next door."""
    with cove.session() as inside:
        yield inside
