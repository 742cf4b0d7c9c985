"""A Cove under test: `cove up`, or a program like it, as a process of its own on a data directory of its own."""

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from tests.environment import SLOTS, claim_ids, clean_environment, release_ids
from tests.waiting import until_none
from tests.world import World

from cove import AgentBay, SessionNotFound
from cove.app.local import Started
from cove.node.cgroups import Group, find_hierarchies, remove_instance, session_names

UP = (sys.executable, "-m", "cove", "up", "--json")
IS_REAL = os.geteuid() == 0 and os.environ.get("COVE_TEST_DRIVER", "real") == "real"
"""Whether sandboxes are true ones: for root, unless COVE_TEST_DRIVER=simulated."""
START_SECONDS, END_SECONDS = 200, 60
_SIMULATED = str(Path(__file__).parent / "app" / "up_for_tests.py")


class Server:
    """A data directory, and the process on it: it can be ended or killed, and started again."""

    def __init__(self, name: str = "", data: Path | None = None, **environ: str) -> None:
        self.data = data or Path(tempfile.mkdtemp(prefix=f"cove-{name}-", dir="/tmp"))
        self.first_uid = claim_ids()
        self.environ = {"COVE_DATA": str(self.data), "COVE_PORT": "0"}
        self.environ |= {"COVE_FIRST_UID": str(self.first_uid), "COVE_SLOTS": str(SLOTS)} | environ
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - open until `close`

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The latest one."""
        assert self._process is not None
        return self._process

    @property
    def is_running(self) -> bool:
        """Whether there is a process that has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def socket(self) -> str:
        """The path of the local door."""
        return str(self.data / "run" / "cove.sock")

    @property
    def world(self) -> World:
        """Where the kernel shows what is this Cove's."""
        instance = (self.data / "instance").read_text().strip()
        return World(self.data, instance, self.first_uid, SLOTS)

    def client(self) -> AgentBay:
        """A client of the local door."""
        return AgentBay(endpoint=f"unix://{self.socket}")

    def up(self, *options: str) -> Started:
        """`cove up` with these options."""
        return self.run(*UP, *options)

    def up_simulated(self) -> Started:
        """The same with simulated sandboxes."""
        return self.run(sys.executable, _SIMULATED, str(self.data))

    def run(self, *command: str) -> Started:
        """Start a program that prints one line of JSON once it serves, as `cove up --json` does."""
        self.spawn(*command)
        return self.await_start()

    def spawn(self, *command: str) -> None:
        """Start it, and do not wait until it answers."""
        ours = clean_environment() | self.environ
        self._process = subprocess.Popen(command, env=ours, stdout=subprocess.PIPE, stderr=self._errors)

    def await_start(self) -> Started:
        """What it tells once it answers."""
        return msgspec.json.decode(self.await_output("\n"), type=Started)

    def await_output(self, wanted: str) -> str:
        """What it has printed as soon as `wanted` is in it; fails, with its errors, if that is not in time."""
        said, pipe, end = "", self.process.stdout, time.monotonic() + START_SECONDS
        assert pipe is not None
        while wanted not in said:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(pipe.fileno(), 65536) if ready else b""
            if not piece:
                self.kill()
                raise AssertionError(f"the server did not start: {said}\n{self.errors()}")
            said += piece.decode()
        return said

    def errors(self) -> str:
        """What its processes have written to stderr."""
        return os.pread(self._errors.fileno(), 1 << 20, 0).decode(errors="replace")

    def kill(self) -> None:
        """SIGKILL for the server alone, if it runs."""
        if self.is_running:
            self.process.kill()
            self.process.wait(END_SECONDS)

    def stop(self) -> int:
        """Let it end by itself; its exit code. One that does not end in time is killed, and the test fails."""
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end within {END_SECONDS} s:\n{self.errors()}") from None

    def delete_sessions(self) -> None:
        """Every one that lives."""
        with self.client() as bay:
            while found := bay.list(limit=100).unwrap():
                for entry in found:
                    with suppress(SessionNotFound):  # it may end by itself
                        bay.get(entry["sessionId"]).unwrap().delete().unwrap()

    def close(self) -> None:
        """Delete its sessions, end it, and see that nothing is left, on disk or in the kernel."""
        try:
            if self.is_running:
                self.delete_sessions()
                assert self.stop() == 0, self.errors()
            until_none(self.left)
        finally:
            self.raze()

    def left(self) -> list[str]:
        """What there still is of its sandboxes, and of the server's own groups if it has ended."""
        if not (self.data / "instance").exists():
            return []
        world = self.world
        groups = [f"groups {found} of {root}" for root, found in world.groups().items() if found or not self.is_running]
        return [*(f"process {pid}" for pid in world.processes()), *groups, *world.loops(), *world.directories()]

    def raze(self) -> None:
        """End it however it is, with whatever a failed test left."""
        self.kill()
        if (self.data / "instance").exists():
            _raze(self.world)
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()
        shutil.rmtree(self.data, ignore_errors=True)
        release_ids(self.first_uid)


def _raze(world: World) -> None:
    found = find_hierarchies()
    for session in session_names(found, world.instance):
        Group(found, world.instance, session).remove()
    for pid in world.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    remove_instance(found, world.instance)


@contextmanager
def served(*options: str, **environ: str) -> Iterator[Server]:
    """A `cove up` with these options, of which nothing is left after the block."""
    server = Server("test", **environ)
    try:
        server.up(*options)
        yield server
    finally:
        server.close()
