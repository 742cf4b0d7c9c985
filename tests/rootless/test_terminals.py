"""A terminal without root is one: sizes, keys, signals and an exit code."""

import pytest
from tests.isolation.running import Inside
from tests.looking import Look

pytestmark = pytest.mark.isolation


def test_a_terminal_works_without_root(inside: Inside) -> None:
    one = Look(f"unix://{inside.running.socket}", inside.id, "cols=97&rows=31")
    one.type("stty size; id -un; tty; exit 3\n")
    assert one.end() == {"type": "exited", "exit_code": 3}, one.shown
    assert b"31 97\r\n" in one.shown
    assert b"wuying\r\n/dev/pts/" in one.shown


def test_ctrl_c_and_a_new_size_reach_what_runs_there(inside: Inside) -> None:
    script = "trap 'stty size' WINCH; trap 'echo caught; exit 4' INT; echo up; while sleep 0.05; do :; done"
    one = Look(
        f"unix://{inside.running.socket}", inside.id, f"command={script.replace(' ', '%20').replace(';', '%3B')}"
    )
    one.until(b"up")
    one.say(type="resize", cols=132, rows=43)
    one.until(b"43 132")
    one.type("\x03")
    assert one.end() == {"type": "exited", "exit_code": 4}
    assert b"caught" in one.shown
