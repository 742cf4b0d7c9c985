"""`cove top`: what a person sees, what programs get, and how it is left."""

import re
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cove.cli import top

from .conftest import run_cove
from .person import Person

Run = Any
Served = Any


@pytest.fixture
def watcher(served: Served, session: str) -> Any:
    with Person(served.data, "top", "--interval", "0.2", cols=80, rows=24) as person:
        yield person


def test_a_person_sees_the_sessions_on_a_screen_of_their_own(watcher: Person, session: str) -> None:
    watcher.sees(r"ID +STATE +CPU % +MEMORY +CALLS +AGE +RX/s +TX/s +LABELS")
    watcher.sees(rf"{session} +RUNNING +0 +0 B +0/0")
    watcher.sees(r"\d+ sessions? · cpu 0 % · memory 0 B · 0 calls · q quits · unix://")
    watcher.type("q")
    assert watcher.leaves() == 0
    assert watcher.is_put_right()
    assert watcher.text.startswith("\x1b[?1049h")
    assert "\x1b[?1049l" in watcher.text
    assert "\x1b[?25h" in watcher.text.rpartition("\x1b[?25l")[2]


@pytest.mark.parametrize("key", ["Q", "\x03", "\x04"])
def test_it_is_left_by_a_key(watcher: Person, key: str) -> None:
    watcher.sees("q quits")
    watcher.type("x")
    watcher.type(key)
    assert watcher.leaves() == 0
    assert watcher.is_put_right()
    assert "Traceback" not in watcher.text


def test_calls_are_seen_as_they_are_made(watcher: Person, run: Run, session: str) -> None:
    watcher.sees(rf"{session} +RUNNING +0 +0 B +0/0")
    run("session", "exec", session, "true")
    watcher.sees(rf"{session} +RUNNING +0 +0 B +0/1")


def test_no_line_is_wider_than_the_screen_and_another_size_is_drawn_anew(watcher: Person) -> None:
    watcher.sees("q quits")
    watcher.resize(40, 10)
    watcher.shown = b""
    watcher.sees(r"ID +STATE +CPU % *\r")
    watcher.shown = b""
    picture = watcher.sees(r"(?s)\x1b\[H(.*?)\x1b\[H")[1]
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\n", picture)
    assert re.search(r"ID +STATE +CPU % *\r", plain)
    assert max(len(line) for line in re.split(r"[\r\n]+", plain)) <= 40


def test_what_a_label_says_cannot_move_the_cursor(served: Served, run: Run) -> None:
    made = run("session", "create", "--label", "of=\x1b[2J\x1b[31mred").stdout.strip()
    with Person(served.data, "top", cols=140) as person:
        person.sees(r"of=\\x1b\[2J\\x1b\[31mred")
        person.type("q")
        assert person.leaves() == 0
    run("session", "delete", made)


def test_programs_get_one_look(run: Run, session: str) -> None:
    told = msgspec.json.decode(run("top", "--json").stdout)["sessions"]
    (mine,) = [each for each in told if each["session"]["session_id"] == session]
    assert (mine["calls_running"], mine["calls_total"], mine["metrics"]["mem_used"]) == (0, 0, 0)
    header, *rows = run("top").stdout.splitlines()
    assert header.split("\t")[:3] == ["ID", "STATE", "CPU %"]
    assert [row.split("\t")[1] for row in rows if row.startswith(session)] == ["RUNNING"]


def test_looking_starts_no_server(tmp_path: Path) -> None:
    done = run_cove(tmp_path, "top")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no Cove answers" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_server_that_goes_ends_it_with_a_sentence(new_server: Any) -> None:
    with Person(new_server.data, "top", "--interval", "0.2") as person:
        person.sees("q quits")
        new_server.stop()
        assert person.leaves() == 1
        assert person.is_put_right()
        assert re.search(r"cove: (no Cove answers at )?unix://", person.text)  # or it dropped the connection


def test_a_signal_ends_it_and_the_terminal_is_put_right(watcher: Person) -> None:
    watcher.sees("q quits")
    watcher.signal(signal.SIGTERM)
    watcher.leaves()
    assert "\x1b[?1049l" in watcher.text


@pytest.mark.parametrize("room", [1, 17, 18, 40, 80, 200])
def test_columns_are_as_many_as_fit(room: int) -> None:
    rows = [top._COLUMNS, tuple("x" * width for width in (18, 7, 3, 9, 5, 6, 9, 9, 40))]
    widths = top._widths(rows, room)
    assert sum(widths.values()) + 2 * max(len(widths) - 1, 0) <= room
    assert list(widths) == list(range(len(widths)))
