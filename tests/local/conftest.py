"""A home: a data directory on which programs start Coves, of which nothing is left after the test."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.environment import clean_environment
from tests.serving import Server
from tests.waiting import until, until_none

import cove
from cove import AgentBay
from cove.app.data import DataDir
from cove.app.holder import end_holder
from cove.core.api import Health
from cove.sdk._local import health_of

OLD_VERSION = "0.0.9"
SECONDS = 60.0
"""For a Cove to start, or to end."""
RESULT = "session.command.run('echo ' + session.session_id).unwrap()"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is started here is the real thing, with real sandboxes."""
    if os.geteuid() != 0:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="starts real Coves, whose driver needs root"))


class Home:
    """A data directory, and what programs with no other setting do on it."""

    def __init__(self) -> None:
        self.server = Server("local")
        self.data = DataDir(self.server.data)
        self.environ = clean_environment() | self.server.environ
        self._programs: list[subprocess.Popen[str]] = []

    def begin(self, code: str, **more: str) -> "subprocess.Popen[str]":
        """A Python program in a session of its own, whose output can be read."""
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", code]
        program = subprocess.Popen(
            command, env=self.environ | more, stdout=pipe, stderr=pipe, text=True, start_new_session=True
        )
        self._programs.append(program)
        return program

    def run(self, code: str, **more: str) -> str:
        """What a program prints; it must end well."""
        program = self.begin(code, **more)
        said, errors = program.communicate(timeout=100)
        assert program.returncode == 0, errors
        return said.strip()

    def fail(self, code: str, **more: str) -> str:
        """The last line of the traceback with which a program ends."""
        program = self.begin(code, **more)
        said, errors = program.communicate(timeout=100)
        assert program.returncode == 1, said
        return errors.strip().splitlines()[-1]

    def cove(self, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """The command line."""
        command = [sys.executable, "-m", "cove", *words]
        environ = self.environ | more
        return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=100, check=False)

    def health(self) -> Health:
        """What the Cove here says of itself, once there is one."""
        return until(lambda: health_of(str(self.data.socket)), "a Cove answers", SECONDS)

    def await_gone(self) -> None:
        """Return once nobody holds the directory."""
        until(lambda: self.data.holder() is None, "the Cove is gone", SECONDS)

    def stand_still(self) -> Path:
        """A Cove that starts here stands still, its directory held, until somebody writes its id into this pipe."""
        os.mkfifo(self.data.instance_file)
        return self.data.instance_file

    def close(self) -> None:
        """End every program, session and server, and see that nothing is left."""
        for program in self._programs:
            program.kill()
            program.communicate()
        try:
            if self.data.root.exists():
                self._clear()
        finally:
            self.server.raze()

    def _clear(self) -> None:
        if self.data.holder() is not None:
            with contextlib.suppress(cove.ServerUnreachable, cove.ConnectionLost):  # it may have gone just now
                self.server.delete_sessions()
            end_holder(self.data, 30.0)
        until_none(self.server.left, SECONDS)


@pytest.fixture
def home() -> Iterator[Home]:
    """An empty one."""
    made = Home()
    yield made
    made.close()


@pytest.fixture
def client(home: Home) -> Iterator[AgentBay]:
    """A client of this process that never starts anything."""
    with AgentBay(endpoint=f"unix://{home.data.socket}") as bay:
        yield bay


@pytest.fixture(scope="session")
def old_source() -> Iterator[str]:
    """A PYTHONPATH on which the package says that it is an older version."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        package = Path(place) / "cove"
        shutil.copytree(Path(cove.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
        (package / "core" / "version.py").write_text(f'"""Older."""\n\n__version__ = "{OLD_VERSION}"\n')
        yield place
