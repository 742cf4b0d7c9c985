"""A machine with an internet around it, both made of network namespaces: what is reached there, would be anywhere.

The world answers at every address, so that what is refused is refused though somebody would answer.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from typing import Any

from tests.serving import UP, Server

from cove import AgentBay

HERE = Path(__file__).parent
GATEWAY, OWN, OWN_PUBLIC, OWN_IPV6 = "10.77.0.1", "10.77.0.2", "44.55.66.77", "fd77::2"
"""The machine has the latter three: one in its private network, one that is public, one of IPv6."""
PUBLIC, ANOTHER, PUBLIC_IPV6 = "93.184.216.34", "151.101.1.69", "2606:2800:220:1::1"
EVERYWHERE, LOOPBACK = 9000, 9001
"""Ports of the machine's own services, as in machine.py."""
_WORLD = ("addr add 10.77.0.1/24 dev eth0", "-6 addr add fd77::1/64 dev eth0 nodad")
_MACHINE = (
    "addr add 10.77.0.2/24 dev eth0", "addr add 44.55.66.77/32 dev eth0", "-6 addr add fd77::2/64 dev eth0 nodad",
    "link set eth0 up", "route add default via 10.77.0.1", "-6 route add default via fd77::1",
)  # fmt: skip
_EVERY_ADDRESS = (
    "route add 10.77.0.0/24 dev eth0 table local", "route add local default dev lo",
    "-6 route add fd77::/64 dev eth0 table local", "-6 route add local default dev lo",
)  # fmt: skip
_SECONDS = 60


class Internet:
    """The world, and a Cove on a machine in it."""

    def __init__(self, world: "subprocess.Popen[str]", server: Server, machine: int) -> None:
        self.server, self.machine = server, machine
        self._world = world

    def client(self) -> AgentBay:
        """Of the Cove."""
        return self.server.client()

    def name(self, **names: Sequence[Sequence[str]]) -> None:
        """Set what names lead to, with `_` for a dot, in turn."""
        self._ask({"names": {name.replace("_", "."): turns for name, turns in names.items()}})

    def asked(self) -> list[str]:
        """The names that the world's resolver was asked for since the last time that anything was told."""
        return list(self._ask({})["asked"])

    def heard(self) -> list[str]:
        """The datagrams that came out into the world since the last time that anything was told."""
        return list(self._ask({})["heard"])

    def _ask(self, request: Any) -> dict[str, list[str]]:
        assert self._world.stdin
        assert self._world.stdout
        self._world.stdin.write(json.dumps(request) + "\n")
        self._world.stdin.flush()
        return dict(json.loads(self._world.stdout.readline()))

    def on_machine(self, *command: str, given: str = "") -> str:
        """What a program prints that runs on the machine, outside of every session."""
        words = ["nsenter", "-t", str(self.machine), "-n", "-m", *command]
        return subprocess.run(words, input=given, capture_output=True, text=True, timeout=_SECONDS, check=True).stdout


@contextmanager
def internet(*options: str) -> Iterator[Internet]:
    """`cove up` with these options, on a machine whose only way out is the world."""
    directory, server = Path(tempfile.mkdtemp(prefix="cove-net-", dir="/tmp")), Server("net")
    world = subprocess.Popen(
        ["unshare", "-n", sys.executable, str(HERE / "world.py")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert world.stdin
        assert world.stdout
        assert world.stdout.readline() == "apart\n"
        machine = _start_machine(server, directory, options)
        _connect(world.pid, machine)
        world.stdin.write("go\n")
        world.stdin.flush()
        assert world.stdout.readline() == "ready\n"
        (directory / "go").write_text("go\n")
        server.await_start()
        yield Internet(world, server, machine)
    finally:
        server.close()
        world.kill()
        world.communicate()
        rmtree(directory)


def _start_machine(server: Server, directory: Path, options: tuple[str, ...]) -> int:
    for pipe in ("pid", "go"):
        os.mkfifo(directory / pipe)
    (directory / "resolv.conf").write_text("nameserver 9.9.9.9\noptions timeout:20 attempts:1\n")
    (directory / "hosts").write_text("127.0.0.1 localhost loopback.test\n")
    server.spawn(sys.executable, str(HERE / "machine.py"), str(directory), *UP, *options)
    return int((directory / "pid").read_text())


def _connect(world: int, machine: int) -> None:
    """A cable between the two."""
    ends = [f"cv{secrets.token_hex(4)}" for _ in range(2)]
    _ip(f"link add {ends[0]} type veth peer name {ends[1]}")
    for pid, end, words in ((world, ends[0], _WORLD), (machine, ends[1], _MACHINE)):
        _ip(f"link set {end} netns {pid}")
        for each in ("link set lo up", f"link set {end} name eth0", "link set eth0 up", *words):
            _ip(each, pid)
    for each in _EVERY_ADDRESS:
        _ip(each, world)


def _ip(words: str, pid: int | None = None) -> None:
    inside = ["nsenter", "-t", str(pid), "-n"] if pid else []
    subprocess.run([*inside, "ip", *words.split()], check=True, timeout=_SECONDS)
