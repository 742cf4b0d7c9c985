"""`cove status`, `stop` and `logs` of a server that comes and goes, and what a person sees in a terminal."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.serving import Server

from .conftest import environment

Run = Any
Served = Any


def test_a_server_is_stopped_once_and_then_there_is_none(new_server: Server, run_on: Run) -> None:
    data, process = new_server.data, new_server.process
    assert run_on(data, "stop").stdout == f"process {process.pid} has ended\n"
    assert process.wait(60) == 0
    assert run_on(data, "stop").stdout == f"no Cove serves {data}\n"
    gone = run_on(data, "status")
    assert (gone.returncode, gone.stderr.count("\n")) == (1, 1)
    assert "start one with `cove up`" in gone.stderr


def test_a_place_that_was_never_served_has_no_log(run_on: Run, tmp_path: Path) -> None:
    done = run_on(tmp_path, "logs")
    assert (done.returncode, "nothing has been served" in done.stderr) == (1, True)


def test_following_the_log_shows_what_happens_next(served: Served, run: Run) -> None:
    follower = subprocess.Popen(
        [sys.executable, "-m", "cove", "logs", "--follow", "-n", "0", "--json"],
        env=environment(served.data),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert follower.stdout is not None
        lines = read_until(follower.stdout.fileno(), rb'"session running".*\n', lambda: make_one(run))
        assert b'"session_id"' in lines
    finally:
        follower.terminate()
        follower.communicate(timeout=60)


def make_one(run: Run) -> None:
    run("session", "delete", run("session", "create").stdout.strip())


def read_until(descriptor: int, wanted: bytes, nudge: Callable[[], object], seconds: float = 60.0) -> bytes:
    """What comes out until `wanted` does; `nudge` is done again and again, since the reader may start late."""
    seen, end = b"", time.monotonic() + seconds
    while not re.search(wanted, seen) and time.monotonic() < end:
        nudge()
        while select.select([descriptor], [], [], 0.3)[0]:
            piece = os.read(descriptor, 65536)
            assert piece, f"it has ended after {seen!r}"
            seen += piece
    assert re.search(wanted, seen), seen
    return seen


def test_a_person_sees_a_table_and_a_program_sees_tabs(served: Served, run: Run, session: str) -> None:
    assert "\t" in run("session", "list").stdout
    screen = on_a_terminal(served, "session", "list")
    assert session in screen
    assert "─" in screen
    assert "\t" not in screen


def test_json_is_json_for_a_person_too(served: Served, session: str) -> None:
    screen = on_a_terminal(served, "session", "list", "--json")
    assert screen.startswith("{\r\n")
    assert session in screen


def on_a_terminal(served: Served, *words: str) -> str:
    """What a command shows in a terminal of its own."""
    ours, theirs = pty.openpty()
    environ = environment(served.data, COLUMNS="120", TERM="xterm")
    process = subprocess.Popen([sys.executable, "-m", "cove", *words], env=environ, stdin=theirs, stdout=theirs)
    os.close(theirs)
    shown = b""
    while piece := _read(ours):
        shown += piece
    os.close(ours)
    assert process.wait(60) == 0
    return shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed: how a terminal says end of file
        return b""
