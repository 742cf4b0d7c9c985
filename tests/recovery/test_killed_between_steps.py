"""The server killed between every two durable steps of a session's moves, and started again."""

import ast
import re
from pathlib import Path

import msgspec
import pytest

from cove import server

from .running import Cove

KEY = "the one and only"
CHECKPOINT = re.compile(r"(create|pause|resume|release|delete)\.[a-z]+")


class Death(msgspec.Struct, frozen=True):
    """Dying at a step, when it is done for the `nth` time: in which state the session is found, and how it gets there.

    `refuse` is what the driver will not do; `first` is the step at which an earlier server dies, so that this one dies
    while it takes up what that one left.
    """

    leads_to: str
    reason: str = "deleted"
    nth: int = 1
    refuse: str = ""
    first: str = ""


DEATHS = {
    "create.row": Death("FAILED", nth=2),
    "create.sandbox": Death("FAILED", nth=2),
    "create.running": Death("RUNNING", nth=2),
    "create.abandoned": Death("FAILED", refuse="create:2"),
    "create.failed": Death("FAILED", refuse="create:2"),
    "pause.row": Death("PAUSED"),
    "pause.frozen": Death("PAUSED"),
    "pause.done": Death("PAUSED"),
    "pause.undone": Death("RUNNING", refuse="pause"),
    "resume.row": Death("RUNNING"),
    "resume.thawed": Death("RUNNING"),
    "resume.done": Death("RUNNING"),
    "resume.undone": Death("PAUSED", refuse="resume"),
    "release.row": Death("FINISH", reason="idle"),
    "delete.row": Death("FINISH"),
    "delete.sandbox": Death("FINISH"),
    "delete.done": Death("FINISH"),
}
DEATHS_WHILE_TAKING_UP = {
    "create.abandoned": Death("FAILED", first="create.sandbox"),
    "create.failed": Death("FAILED", first="create.row"),
    "pause.frozen": Death("PAUSED", first="pause.row"),
    "pause.done": Death("PAUSED", first="pause.frozen"),
    "resume.thawed": Death("RUNNING", first="resume.row"),
    "resume.done": Death("RUNNING", first="resume.thawed"),
    "delete.sandbox": Death("FINISH", first="delete.row"),
    "delete.done": Death("FINISH", first="delete.sandbox"),
}


def steps_of_the_server() -> set[str]:
    """Every name of a durable step that stands in the server's code."""
    trees = [ast.parse(file.read_text()) for file in Path(server.__file__).parent.rglob("*.py")]
    texts = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in texts if isinstance(text, str) and CHECKPOINT.fullmatch(text)}


def test_every_durable_step_has_its_death() -> None:
    assert steps_of_the_server() == set(DEATHS)


@pytest.mark.parametrize("step", [step for step in DEATHS if step.startswith("create.")])
def test_killed_server_makes_one_session_or_none(cove: Cove, step: str) -> None:
    cove.start(die_at=f"{step}:{DEATHS[step].nth}", refuse=DEATHS[step].refuse)
    beside = cove.create()
    cove.start_counting(beside)
    before = cove.counted(beside)
    cove.ask_in_vain("POST", "/sessions", {}, **{"Idempotency-Key": KEY})
    cove.start()
    cove.assert_truth()
    (made,) = set(cove.rows()) - {beside}
    assert cove.state(made) == DEATHS[step].leads_to
    again = cove.create(KEY)
    assert (again == made) is (DEATHS[step].leads_to == "RUNNING")
    assert set(cove.living()) == {beside, again}
    assert cove.create(KEY) == again
    cove.assert_counts_on(beside, before)
    cove.assert_truth()
    cove.end_all()


@pytest.mark.parametrize("step", [step for step in DEATHS if not step.startswith("create.")])
def test_killed_server_finishes_what_it_began(cove: Cove, step: str) -> None:
    cove.start(die_at=step, refuse=DEATHS[step].refuse)
    die_in_a_move(cove, step.partition(".")[0])
    cove.start()
    see_that_it_ended_well(cove, DEATHS[step])


@pytest.mark.parametrize("step", [step for step in DEATHS_WHILE_TAKING_UP if not step.startswith("create.")])
def test_server_killed_again_while_it_takes_up_a_move_finishes_it(cove: Cove, step: str) -> None:
    death = DEATHS_WHILE_TAKING_UP[step]
    cove.start(die_at=death.first)
    die_in_a_move(cove, step.partition(".")[0])
    cove.start_in_vain(die_at=step)
    cove.start()
    see_that_it_ended_well(cove, death)


@pytest.mark.parametrize("step", [step for step in DEATHS_WHILE_TAKING_UP if step.startswith("create.")])
def test_server_killed_again_while_it_rolls_a_creation_back_leaves_nothing(cove: Cove, step: str) -> None:
    death = DEATHS_WHILE_TAKING_UP[step]
    cove.start(die_at=death.first)
    cove.ask_in_vain("POST", "/sessions", {}, **{"Idempotency-Key": KEY})
    cove.start_in_vain(die_at=step)
    cove.start()
    cove.assert_truth()
    assert [row["state"] for row in cove.rows().values()] == [death.leads_to]
    made = cove.create(KEY)
    assert set(cove.living()) == {made}
    cove.end_all()


def die_in_a_move(cove: Cove, verb: str) -> None:
    """Two sessions count; the server dies while it makes the move of the younger one, which holds all we ask about."""
    beside = cove.create()
    cove.start_counting(beside)
    if verb == "release":  # which comes by itself, to one that is idle at once
        cove.ask_in_vain("POST", "/sessions", {"idle_timeout": 0.5, "on_idle": "release"})
        return
    moved = cove.create()
    cove.start_counting(moved)
    if verb == "resume":
        cove.ask("POST", f"/sessions/{moved}/pause?wait=true")
    method, path = ("DELETE", "") if verb == "delete" else ("POST", f"/{verb}")
    cove.ask_in_vain(method, f"/sessions/{moved}{path}")


def see_that_it_ended_well(cove: Cove, death: Death) -> None:
    """The moved session is where it should be, whole; the other has noticed nothing."""
    beside, moved = sorted(cove.rows(), key=lambda session: cove.rows()[session]["created_at"])
    before = cove.counted(beside)
    assert cove.state(moved) == death.leads_to
    if death.leads_to == "FINISH":
        assert cove.rows()[moved]["end_reason"] == death.reason
    else:
        counted = cove.counted(moved)
        if death.leads_to == "PAUSED":
            cove.ask("POST", f"/sessions/{moved}/resume?wait=true")
        cove.assert_counts_on(moved, counted)
    cove.assert_counts_on(beside, before)
    cove.assert_truth()
    cove.end_all()
