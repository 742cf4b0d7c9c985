"""What every scene works with."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cove.core.errors import CoveError

if TYPE_CHECKING:
    from cove import Session
    from cove.cli.story.stage import Stage


class LeftOut(Exception):  # noqa: N818 - not an error: this machine has not what the scene needs
    """Raised by a scene that cannot play here; its text says why."""


class Story:
    """The stage, and the one session that the story is about, from its second scene on."""

    session: "Session"

    def __init__(self, stage: "Stage") -> None:
        self.stage = stage


def expect(is_true: bool, otherwise: str) -> None:
    """Go on only if it is true; raises CoveError with what is false."""
    if not is_true:
        raise CoveError(reason=otherwise)


def run(session: "Session", command: str, *, user: str = "wuying", seconds: float = 50.0) -> str:
    """What a command that succeeds prints, without the last newline; raises CoveError with what it said if it fails."""
    result = session.command.execute_command(command, timeout_ms=round(seconds * 1000), user=user)
    if result.exit_code != 0:
        said = (result.stderr or result.stdout or result.error_message).strip().splitlines()
        last = said[-1] if said else f"exit code {result.exit_code}"
        raise CoveError(reason=f"`{command.splitlines()[0]}` failed: {last}")
    return result.stdout.rstrip("\n")


def wait_until(is_true: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Ask until the answer is yes; raises CoveError when the time is over."""
    end = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > end:
            raise CoveError(reason=f"waited {seconds:g} s in vain until {what}")
        time.sleep(0.02)
