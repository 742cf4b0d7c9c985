"""The only way to wait here: for a condition, and not for ever."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
BOUND = 60.0


def until(condition: Callable[[], T], what: str, seconds: float = BOUND) -> T:
    """What `condition` gives once it is true; fails with `what`, and with what it gave last, after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what} (last: {found!r})")
        time.sleep(0.01)
    return found


def until_none(problems: Callable[[], list[str]], seconds: float = BOUND) -> None:
    """Return once there are no problems; fails with those that remain."""
    end = time.monotonic() + seconds
    while found := problems():
        if time.monotonic() > end:
            raise AssertionError("\n".join(found))
        time.sleep(0.02)
