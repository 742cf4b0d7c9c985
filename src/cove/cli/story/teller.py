"""Tells the story: each scene with its mark, what was seen, and how long it took."""

import sys
import time
from collections.abc import Callable

import msgspec

from cove.cli.screen import busy, is_watched, printable
from cove.cli.story.parts import LeftOut, Story
from cove.core.errors import CoveError


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One scene, played: `ok` is None if it was left out; `seconds` is how long it took."""

    scene: str
    ok: bool | None
    seen: str
    seconds: float


class Teller:
    """Plays scenes and prints them, unless it must be quiet; keeps what it told."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self.told: list[Told] = []

    def tell(self, title: str, scene: Callable[[Story], str], story: Story) -> None:
        """Play a scene; raises CoveError with what went wrong in it, after it was told."""
        start = time.monotonic()

        def told(ok: bool | None, seen: object) -> None:
            self._add(Told(scene=title, ok=ok, seen=str(seen), seconds=time.monotonic() - start))

        try:
            with busy(title):
                seen = scene(story)
        except LeftOut as reason:
            told(None, reason)
        except (CoveError, OSError) as error:
            told(False, error)
            raise CoveError(reason=f"the scene {title!r} is false: {error}") from error
        else:
            told(True, seen)

    def is_true(self) -> bool:
        """Whether no scene was false."""
        return all(told.ok is not False for told in self.told)

    def summary(self) -> str:
        """One line on the whole."""
        left_out = sum(told.ok is None for told in self.told)
        seconds = sum(told.seconds for told in self.told)
        text = f"{len(self.told) - left_out} scenes were true, in {seconds:.1f} s"
        return f"{text}; {left_out} left out" if left_out else text

    def _add(self, told: Told) -> None:
        self.told.append(told)
        if self._is_quiet:
            return
        mark = {True: "ok", False: "FAILED", None: "left out"}[told.ok]
        if is_watched():
            _print_rich(mark, told)
        else:
            print(f"{mark}: {told.scene} ({told.seconds:.2f} s): {printable(told.seen)}", flush=True)


def _print_rich(mark: str, told: Told) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    style = {"ok": "green", "FAILED": "bold red", "left out": "yellow"}[mark]
    sign = {"ok": "✓", "FAILED": "✗", "left out": "○"}[mark]
    head = Text.assemble((f"{sign} ", style), (told.scene, "bold"), (f"  {told.seconds:.2f} s", "dim"))
    console = Console(file=sys.stdout, highlight=False)
    console.print(head)
    for line in told.seen.split("; "):
        console.print(Padding(Text(printable(line)), (0, 0, 0, 4)))
