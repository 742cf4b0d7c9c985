"""Coves of an ordinary user's: `cove up`, or one with walls left out, started as that user by the root who tests."""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.isolation.running import HERE, Running
from tests.serving import Server
from tests.world import World

from cove.app.local import Started
from cove.node.processes import Processes

from .ordinary import OrdinaryUser


class OrdinaryServer(Server):
    """A server that runs as `user`; what it leaves behind is looked for by the ids lent to that user."""

    def __init__(self, user: OrdinaryUser, name: str = "rootless", **environ: str) -> None:
        self.user = user
        data = Path(tempfile.mkdtemp(prefix=f"cove-{name}-", dir="/tmp"))
        os.chown(data, user.uid, user.gid)
        Server.__init__(self, name, data, COVE_CACHE=str(user.home / "cache"), **environ)

    def up(self, *options: str) -> Started:
        """`cove up` with these options, by the user."""
        return self.run(self.user.python, "-m", "cove", "up", "--json", *options)

    def spawn(self, *command: str) -> None:
        """Start it as the user."""
        self._process = self.user.start(  # type: ignore[assignment]
            list(command), env=self.environ, stdout=subprocess.PIPE, stderr=self._errors
        )

    @property
    def world(self) -> World:
        """Where the kernel shows what is this Cove's; by ids it cannot, for the user's Coves share one range."""
        return World(self.data, (self.data / "instance").read_text().strip(), 0, 0)


class Found(Processes):
    """A sandbox's processes as the tests of isolation ask for them."""

    def exists(self) -> bool:
        """Whether any is left."""
        return self.first() is not None


class OrdinaryRunning(OrdinaryServer, Running):
    """The same as `isolation.running.Running`: without some walls, with a client."""

    def __init__(self, user: OrdinaryUser, *left_out: str, token: str, allow: str = "") -> None:
        OrdinaryServer.__init__(self, user, token, COVE_TEST_SECRET=token, COVE_ALLOW=allow)
        program = user.copy(HERE / "server.py")
        started = self.run(user.python, str(program), str(self.data), *left_out)
        self.port = int(started.url.rpartition(":")[2])
        self.bay = self.client()

    def group(self, session_id: str) -> Any:
        """Its processes: there is no control group."""
        return Found(self.directory(session_id))
