"""A Cove of a test's own, in a directory short enough for sockets, of which nothing is left after the test."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cove.core.limits import Limits
from cove.node.cgroups import Group, find_hierarchies, remove_instance, session_names
from cove.node.disks import make_template
from cove.node.images import build_skeleton
from cove.node.runtime import build_runtime

from .running import Cove

RENDERED = ("images", "runtime", "disks")


@pytest.fixture(scope="session")
def rendered() -> Iterator[Path]:
    """What every server renders at its first start, made once for all of them."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    place = Path(tempfile.mkdtemp(prefix="cove-", dir="/tmp"))
    build_runtime(place / "runtime")
    build_skeleton(place / "images")
    size = Limits().disk_bytes
    make_template(place / "disks" / f"{size}.img", size)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def cove(rendered: Path) -> Iterator[Cove]:
    """A Cove without a server yet."""
    data = Path(tempfile.mkdtemp(prefix="cove-", dir="/tmp"))
    for name in RENDERED:
        (data / name).symlink_to(rendered / name)
    cove = Cove(data)
    try:
        yield cove
    finally:
        _end(cove)
        shutil.rmtree(data)


def _end(cove: Cove) -> None:
    """Whatever a failed test left."""
    with suppress(AssertionError, subprocess.TimeoutExpired):
        cove.stop()
        cove.kill()
    if not (cove.data / "instance").exists():
        return
    found, world = find_hierarchies(), cove.world
    for session in session_names(found, world.instance):
        Group(found, world.instance, session).remove()
    for pid in world.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    remove_instance(found, world.instance)
