"""Coves of an ordinary user's: `cove up`, or one with walls left out, started as that user by the root who tests."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.isolation.running import HERE, Running
from tests.serving import Server
from tests.world import World

from cove.app.local import Started
from cove.node.cgroups import find_hierarchies
from cove.node.processes import Processes

from .ordinary import OrdinaryUser


class OrdinaryServer(Server):
    """A server that runs as `user`; what it leaves behind is looked for by the ids lent to that user."""

    def __init__(self, user: OrdinaryUser, name: str = "rootless", **environ: str) -> None:
        self.user = user
        self.joined: Path | None = None
        data = Path(tempfile.mkdtemp(prefix=f"cove-{name}-", dir="/tmp"))
        os.chown(data, user.uid, user.gid)
        Server.__init__(self, name, data, COVE_CACHE=str(user.home / "cache"), **environ)

    def up(self, *options: str) -> Started:
        """`cove up` with these options, by the user."""
        return self.run(self.user.python, "-m", "cove", "up", "--json", *options)

    def spawn(self, *command: str) -> None:
        """Start it as the user."""
        with _standing_in(self.joined):
            self._process = self.user.start(  # type: ignore[assignment]
                list(command), env=self.environ, stdout=subprocess.PIPE, stderr=self._errors
            )

    @property
    def world(self) -> World:
        """Where the kernel shows what is this Cove's; by ids it cannot, for the user's Coves share one range."""
        return World(self.data, (self.data / "instance").read_text().strip(), 0, 0)


@contextmanager
def _standing_in(group: Path | None) -> Iterator[None]:
    """Start children in a control group, as a service manager does: the user may bring nobody in from outside."""
    own = next(line[3:] for line in Path("/proc/self/cgroup").read_text().splitlines() if line.startswith("0::"))
    root = find_hierarchies().v2
    if group is None or root is None:
        yield
        return
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        yield
    finally:
        (root / own.lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))


class Found(Processes):
    """A sandbox's processes as the tests of isolation ask for them."""

    def exists(self) -> bool:
        """Whether any is left."""
        return self.first() is not None


class OrdinaryRunning(OrdinaryServer, Running):
    """The same as `isolation.running.Running`: without some walls, with a client."""

    def __init__(self, user: OrdinaryUser, *left_out: str, token: str, allow: str = "") -> None:
        OrdinaryServer.__init__(self, user, token, COVE_TEST_SECRET=token, COVE_ALLOW=allow, COVE_NETWORK="rules")
        program = user.copy(HERE / "server.py")
        started = self.run(user.python, str(program), str(self.data), *left_out)
        self.port = int(started.url.rpartition(":")[2])
        self.bay = self.client()

    def group(self, session_id: str) -> Any:
        """Its processes: there is no control group."""
        return Found(self.directory(session_id))
