"""Removes from a data directory what an ordinary user's sandboxes own in it, which he himself may not."""

import asyncio
import os
from pathlib import Path

import msgspec

from cove.node.differences import own_ids
from cove.node.launcher.client import Launcher
from cove.node.launcher.orders import Errand
from cove.node.processes import Processes


def remove_lent(data: Path) -> None:
    """End what is left of sandboxes, then remove their files and images; raises SandboxFailed. For root: nothing.

    Only where no server serves the directory.
    """
    if os.geteuid() == 0 or not data.is_dir():
        return
    for sandbox in data.glob("sandboxes/*"):
        Processes(sandbox).kill()
    places = [*data.glob("images-*"), *data.glob("sandboxes/*/disk")]
    if places:
        asyncio.run(_remove(data, [str(place.relative_to(data)) for place in places]))


async def _remove(data: Path, names: list[str]) -> None:
    launcher = Launcher(msgspec.json.encode(own_ids()[0]).decode())
    try:
        await launcher.run(Errand(name="remove", directory=str(data), arguments=names))
    finally:
        await launcher.close()
