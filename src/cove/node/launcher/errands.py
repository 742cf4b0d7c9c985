"""What only root of the launcher's user namespace can do with files: remove them, measure them, make a user's image.

Each is done by a child of the launcher, which may take its time, since nobody waits but who reads its pipe.
"""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import msgspec

from cove.node.launcher.orders import Errand, Outcome
from cove.node.launcher.outer import Outer
from cove.node.launcher.trees import measure_tree, remove_tree


def run_errand(errand: Errand, outer: Outer) -> int:
    """Start it; the read end of the pipe into which it writes an Outcome."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        if os.fork() == 0:
            _be_errand(errand, outer, writer)
    finally:
        os.close(writer)
    return reader


def _be_errand(errand: Errand, outer: Outer, writer: int) -> None:
    outcome = Outcome(reason="it crashed")
    try:
        outer.enter()
        os.chdir(errand.directory)  # as the user, whose path it is
        outer.become_root()
        os.umask(0o022)
        with contextlib.suppress(OSError):
            os.nice(10)
        outcome = Outcome(result=ERRANDS[errand.name](errand.arguments, outer))
    except BaseException as error:  # noqa: BLE001 - this is a fork: whatever happens is told, and nothing returns
        outcome = Outcome(reason=str(error) or type(error).__name__)
    finally:
        with open(writer, "wb") as told:
            told.write(msgspec.json.encode(outcome))
        os._exit(0)


def _remove(names: list[str], _: Outer) -> None:
    for name in names:
        remove_tree(name)


def _measure(names: list[str], _: Outer) -> dict[str, tuple[int, int]]:
    """Bytes and files of each."""
    return {name: measure_tree(name) for name in names}


def _render(_: list[str], outer: Outer) -> dict[str, Any]:
    from cove.node.images.layers import render_layers

    return msgspec.to_builtins(render_layers(has_range=outer.root == 0), enc_hook=os.fspath)  # type: ignore[no-any-return]


def _take_over(arguments: list[str], outer: Outer) -> None:
    from cove.node.images.layers import take_over

    source, name = arguments
    take_over(source, name, outer.root)


ERRANDS: dict[str, Callable[[list[str], Outer], Any]] = {
    "remove": _remove,
    "measure": _measure,
    "render": _render,
    "take over": _take_over,
}
"""By name; each gets its arguments, in its directory."""
