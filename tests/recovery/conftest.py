"""A Cove of a test's own, in a directory short enough for sockets, of which nothing is left after the test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cove.core.limits import Limits
from cove.node.disks import make_template

from .running import Cove


@pytest.fixture(scope="session")
def disks() -> Iterator[Path]:
    """The empty disk that every server makes for its first session, made once for all of them."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    place = Path(tempfile.mkdtemp(prefix="cove-", dir="/tmp"))
    size = Limits().disk_bytes
    make_template(place / f"{size}.img", size)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def cove(disks: Path) -> Iterator[Cove]:
    """A Cove without a server yet."""
    cove = Cove("killed")
    (cove.data / "disks").symlink_to(disks)
    try:
        yield cove
    finally:
        cove.raze()
