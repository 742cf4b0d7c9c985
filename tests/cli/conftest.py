"""`cove` as its users run it: real processes, against a real server whose sandboxes are simulated."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.environment import clean_environment
from tests.serving import Server

from cove.app.local import Started

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(data: Path | str, **more: str) -> dict[str, str]:
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
        timeout=100,
        check=False,
    )


@pytest.fixture(scope="session")
def served() -> Iterator[Started]:
    """One server for all tests that do not end it."""
    server = Server("cli")
    try:
        yield server.up_simulated()
    finally:
        server.close()


@pytest.fixture
def run(served: Started) -> Run:
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
def new_server() -> Iterator[Server]:
    """A server that the test may end."""
    server = Server("cli")
    try:
        server.up_simulated()
        yield server
    finally:
        server.close()


@pytest.fixture
def run_on() -> Run:
    """`cove …` on a data directory."""
    return run_cove
