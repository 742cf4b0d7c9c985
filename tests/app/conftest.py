"""A data directory whose path is short enough for a socket, and servers on it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def short_path() -> Iterator[Path]:
    """An empty directory."""
    root = Path(tempfile.mkdtemp(dir="/tmp", prefix="cove-app-"))
    yield root
    shutil.rmtree(root)
