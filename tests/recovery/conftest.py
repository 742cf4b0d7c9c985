"""A Cove of a test's own, in a directory short enough for sockets, of which nothing is left after the test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cove.core.limits import Limits
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
    cove = Cove("killed")
    for name in RENDERED:
        (cove.data / name).symlink_to(rendered / name)
    try:
        yield cove
    finally:
        cove.raze()
