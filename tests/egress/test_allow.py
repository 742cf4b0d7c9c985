"""An allow list that cannot be read, or a machine that cannot redirect, is told before anything is served."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.environment import clean_environment

ENTRIES = ["https://example.org/", "example.org:99999", "10.0.0.1/8", "0177.0.0.1", "*", "[::1"]
"""One of each kind; the others are in tests/node/test_relay_policy.py."""


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry_that_cannot_be_read_ends_cove_up_with_one_sentence(tmp_path: Path, entry: str) -> None:
    command = [sys.executable, "-m", "cove", "up", "--port", "0", "--data", str(tmp_path / "d"), "--allow", entry]
    ours = clean_environment()
    done = subprocess.run(command, env=ours, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith(f"cove: allow = {entry!r} is not valid: give ")
    database = tmp_path / "d" / "cove.db"
    assert not database.exists() or database.stat().st_size == 0, "a first key was made that nobody has seen"
