"""The demo, as `make demo` runs it: its scenes are true, and it leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile

import msgspec
import pytest

from cove.cli.story.outside import processes_of
from cove.cli.story.parts import LeftOut, Story, expect
from cove.cli.story.scenes import SCENES
from cove.cli.story.stage import Stage
from cove.cli.story.teller import Teller
from cove.core.errors import CoveError

COMMAND = [sys.executable, "-m", "cove", "demo", "--offline"]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="sandboxes need root")


@pytest.mark.isolation
@needs_root
def test_every_scene_is_true_and_nothing_is_left() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        ours = os.environ | {"TMPDIR": place}
        done = subprocess.run([*COMMAND, "--json"], env=ours, capture_output=True, text=True, timeout=280, check=False)
        left = os.listdir(place)
    told = msgspec.json.decode(done.stdout)
    assert (done.returncode, done.stderr, told["ok"]) == (0, "", True), told["scenes"][-1]
    assert [scene["scene"] for scene in told["scenes"]] == [title for title, _ in SCENES]
    assert left == []


@pytest.mark.isolation
@needs_root
def test_a_demo_that_is_interrupted_leaves_nothing() -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = next(line for line in process.stdout if "a session" in line)
    session_id = next(word for word in line.split() if word.startswith("s-"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=100)
    assert process.returncode == 130
    assert processes_of(session_id) == []


def tell(stage: Stage, *scenes: str) -> Teller:
    """A teller that has played scenes which end as their names say."""
    teller = Teller(is_quiet=True)

    def scene(_: Story) -> str:
        kind = scenes[len(teller.told)]
        expect(kind != "false", "it is not so")
        if kind == "absent":
            raise LeftOut("this machine has no such thing")
        return "seen"

    for _ in scenes:
        teller.tell("a scene", scene, Story(stage))
    return teller


def test_a_false_scene_ends_the_story() -> None:
    with Stage(()) as stage, pytest.raises(CoveError, match="the scene 'a scene' is false: it is not so"):
        tell(stage, "true", "false", "true")


def test_a_scene_that_cannot_play_is_told_as_left_out() -> None:
    with Stage(()) as stage:
        teller = tell(stage, "true", "absent")
    assert [told.ok for told in teller.told] == [True, None]
    assert teller.summary().endswith("; 1 left out")
