"""What a person reads, and whether the remedy in it is one for the command line."""

import re
import subprocess
import sys
from typing import Any

from .person import Person

Run = Any
Served = Any


def test_what_a_paused_session_refuses_names_the_command_that_helps(run: Run, session: str) -> None:
    run("session", "pause", session)
    done = run("session", "exec", session, "true")
    remedy = f"`cove session resume {session}` lets it go on"
    assert (done.returncode, done.stderr) == (1, f"cove: session '{session}' is PAUSED; {remedy}\n")
    assert run("session", "resume", session).returncode == 0
    assert run("session", "exec", session, "true").returncode == 0


def test_a_session_is_shown_with_its_use_and_what_is_left_of_its_life(run: Run, session: str) -> None:
    shown = dict(re.split(r"  +", line, maxsplit=1) for line in run("session", "show", session).stdout.splitlines())
    assert {"cpu", "memory", "disk", "processes", "received", "sent", "idle timeout", "expires in"} < set(shown)
    assert re.fullmatch(r"\d+ of \d+", shown["processes"])
    run("session", "delete", session)
    assert re.search(r"\nended +deleted, \d+ s ago\n", run("session", "show", session).stdout)


def test_status_tells_the_network_of_new_sessions(run: Run) -> None:
    assert re.search(r"\nnetwork +(open|none|rules), where a session asks for nothing else\n", run("status").stdout)


def test_sizes_end_below_each_other(served: Served, run: Run, session: str) -> None:
    for size in (5, 4000):
        run("session", "files", "put", session, "-", f"of-{size}", given="x" * size)
    with Person(served.data, "session", "files", "ls", session) as person:
        assert person.leaves() == 0
        rows = [line.rstrip() for line in person.uncoloured.splitlines() if line.strip().startswith("of-")]
    assert len(rows) == 2
    assert len({len(row) for row in rows}) == 1


def test_what_an_error_quotes_from_inside_cannot_move_the_cursor(run: Run, session: str) -> None:
    done = run("session", "files", "get", session, "no\x1b[2Jsuch\x07file")
    assert done.returncode == 1
    assert done.stderr.removesuffix("\n").isprintable()


def test_it_is_called_cove_however_it_was_started() -> None:
    done = subprocess.run([sys.executable, "-m", "cove", "nonsense"], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("Usage: cove ")
