"""`cove demo`: one session's life, from its first command to its end, told step by step."""

from typing import Annotated

import typer

from cove.cli.screen import Json, is_watched, note, show_json


def demo(
    offline: Annotated[bool, typer.Option("--offline", help="Install nothing, and ask no registry.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a session does, on a Cove of its own that leaves nothing behind.

    Whatever it prints was read from the running session; a step that is false ends it with exit code 1.
    """
    _check_machine()
    from cove.cli.story.parts import Story
    from cove.cli.story.scenes import SCENES
    from cove.cli.story.stage import Stage
    from cove.cli.story.teller import Teller

    teller = Teller(is_quiet=as_json)
    try:
        with Stage(() if offline else _registries(as_json)) as stage:
            story = Story(stage)
            for title, scene in SCENES:
                teller.tell(title, scene, story)
    finally:
        if as_json:
            show_json({"ok": teller.is_true() and len(teller.told) == len(SCENES), "scenes": teller.told})
    if not as_json:
        print(teller.summary())


def _check_machine() -> None:
    import sys

    from cove.core.errors import NotSupported

    if sys.platform != "linux":
        raise NotSupported(what="`cove demo`", reason="sandboxes need Linux")


def _registries(as_json: bool) -> tuple[str, ...]:
    """The registries that this machine's own package managers are set up for."""
    from cove.node.images.registries import registry_hosts

    hosts = registry_hosts()
    if is_watched() and not as_json:
        note(f"sessions may reach this machine's package registries: {', '.join(hosts) or 'none is set up'}")
    return hosts
