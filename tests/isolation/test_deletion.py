"""Whatever was made in a session, it can be deleted, and nothing of it is left."""

from pathlib import Path

import pytest
from tests.world import is_alive

from .running import PROGRAMS, PYTHON, Running

pytestmark = pytest.mark.isolation
LEFT = {
    "a deep tree": f"{PYTHON} {PROGRAMS}/attack.py makes.dig 20000 && echo made",
    "names without rights": "mkdir -p ~/a/b && touch ~/a/b/c && chmod 000 ~/a/b/c ~/a/b ~/a && echo made",
    "immutable names": "touch ~/a; chattr +i ~/a 2>/dev/null; echo made",
    "names that are no text": "cd; touch $'\\xff\\n\\t*' -- '-rf' && echo made",
    "links that lead out": "cd; ln -s / all; ln -s /proc/1/root root; ln -s .. up && echo made",
    "a socket and a pipe": "cd; mkfifo pipe; nohup tail -f pipe >/dev/null 2>&1 & echo made",
    "a process that ignores signals": "trap '' TERM HUP INT; setsid sleep 1000 >/dev/null 2>&1 & echo made",
    "a stopped process": "sleep 1000 >/dev/null 2>&1 & kill -STOP $!; echo made",
}


@pytest.mark.claim("deletion")
@pytest.mark.parametrize("user", ["wuying", "root"])
@pytest.mark.parametrize("what", LEFT)
def test_session_is_deleted_with_all_that_was_made_in_it(what: str, user: str, cove: Running) -> None:
    inside = cove.session()
    assert inside.run(LEFT[what], user=user).endswith("made\n")
    members = inside.members()
    inside.delete()
    assert [pid for pid in members if is_alive(pid) and is_ours(pid, cove)] == []


@pytest.mark.claim("deletion")
def test_session_under_attack_is_deleted(cove: Running) -> None:
    inside = cove.session(pids=64)
    inside.try_to_run("(:() { : | : & }; :) >/dev/null 2>&1", timeout_ms=1000)
    inside.delete()


def is_ours(pid: int, cove: Running) -> bool:
    """Whether the number is still a process of this Cove's sandboxes, and not somebody else's by now."""
    instance = (cove.data / "instance").read_text().strip()
    try:
        return f"cove-{instance}/" in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False
