"""`cove` as its users run it: real processes, against a real server whose sandboxes are simulated."""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.environment import clean_environment

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SERVER = Path(__file__).parents[1] / "app" / "up_for_tests.py"


@pytest.fixture(scope="session")
def home() -> Iterator[Path]:
    """A data directory with a path short enough for a socket."""
    root = Path(tempfile.mkdtemp(dir="/tmp", prefix="cove-cli-"))
    yield root
    shutil.rmtree(root)


def environment(data: Path, **more: str) -> dict[str, str]:
    """This process's, pointed at one data directory."""
    mine = clean_environment()
    return mine | {"COVE_DATA": str(data)} | more


def run_cove(
    data: Path, *words: str, given: str | bytes | None = None, **more: str
) -> "subprocess.CompletedProcess[str]":
    """Run `cove` to its end."""
    text = given.decode("latin-1") if isinstance(given, bytes) else given
    encoding = "latin-1" if isinstance(given, bytes) else "utf-8"
    return subprocess.run(
        [sys.executable, "-m", "cove", *words],
        env=environment(data, **more),
        input=text or "",
        encoding=encoding,
        capture_output=True,
        timeout=60,
        check=False,
    )


class Served(msgspec.Struct):
    """What a server told when it started."""

    pid: int
    url: str
    socket: str
    data: str
    first_key: str | None


def start_server(data: Path, *words: str) -> tuple["subprocess.Popen[str]", Served]:
    """A server with simulated sandboxes, and what it told."""
    command = [sys.executable, str(SERVER), str(data), *words]
    process = subprocess.Popen(command, env=environment(data), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, msgspec.json.decode(process.stdout.readline(), type=Served)


def end_server(process: "subprocess.Popen[str]") -> int:
    """Ask it to end; its exit code."""
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    process.stdout.close()
    return process.wait(30)


@pytest.fixture(scope="session")
def served(home: Path) -> Iterator[Served]:
    """One server for all tests that do not end it."""
    process, told = start_server(home / "served")
    yield told
    end_server(process)


@pytest.fixture
def run(served: Served) -> Run:
    """`cove …` against that server, over its socket."""

    def cove(*words: str, given: str | bytes | None = None, **more: str) -> "subprocess.CompletedProcess[str]":
        return run_cove(Path(served.data), *words, given=given, **more)

    return cove


@pytest.fixture
def session(run: Run) -> Iterator[str]:
    """A session's id."""
    made = run("session", "create", "--label", "of=a test")
    assert made.returncode == 0, made.stderr
    yield made.stdout.strip()
    run("session", "delete", made.stdout.strip())


@pytest.fixture
def new_server(home: Path) -> Iterator[Callable[[], tuple["subprocess.Popen[str]", Served]]]:
    """Start a server that the test may end."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple["subprocess.Popen[str]", Served]:
        process, told = start_server(Path(tempfile.mkdtemp(dir=home)) / "data")
        started.append(process)
        return process, told

    yield start
    for process in started:
        if process.poll() is None:
            end_server(process)


@pytest.fixture
def run_on() -> Run:
    """`cove …` on a data directory."""
    return run_cove
