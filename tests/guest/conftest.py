"""A guest in this process, and one that serves on a real socket below a pid 1 of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.waiting import until

from cove.guest import Guest, GuestSettings

from .doors import IS_ROOT, OUTPUT_BYTES, Door


@pytest.fixture
def users_home() -> Iterator[Path]:
    """A short path, which the sandbox's user may enter and write to."""
    directory = Path(tempfile.mkdtemp(dir="/tmp", prefix="home"))
    directory.chmod(0o755)
    if IS_ROOT:
        os.chown(directory, 1000, 1000)
    yield directory
    until(lambda: _is_removed(directory), "nothing writes into the home any more")


def _is_removed(directory: Path) -> bool:
    """Whether it could be removed: not while one that was killed just now still makes a file in it."""
    return subprocess.run(["rm", "-rf", str(directory)], check=False).returncode == 0


@pytest.fixture
def door(users_home: Path) -> Iterator[Door]:
    directory = Path(tempfile.mkdtemp(dir="/tmp", prefix="door"))
    found = Door(directory, users_home=users_home)
    yield found
    found.close()
    shutil.rmtree(directory)


@pytest.fixture(params=["forked", "inline"])
def guest(request: pytest.FixtureRequest, users_home: Path) -> Guest:
    """A guest of this process, with file tools in children and without."""
    is_forked = request.param == "forked"
    return Guest(
        GuestSettings(
            home=str(users_home),
            switch_user=IS_ROOT and is_forked,
            fork_file_tools=is_forked,
            output_bytes=OUTPUT_BYTES,
        )
    )
