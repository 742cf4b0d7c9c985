"""Whoever holds a data directory: waited for, not for ever, and ended only if it is the one that was meant."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cove.app.data import DataDir
from cove.app.holder import await_answer, end_holder
from cove.core.errors import CoveError

HOLD = """
import signal, sys
from pathlib import Path
from cove.app.data import DataDir
with DataDir(Path(sys.argv[1])).locked():
    if sys.argv[2:]:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("held", flush=True)
    signal.pause()
    signal.pause()
"""


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path)
    tmp_path.chmod(0o700)
    made.prepare()
    return made


def hold(data: DataDir, *words: str) -> "subprocess.Popen[str]":
    """A process that holds the directory and answers nobody."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(data.root), *words], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


@pytest.fixture
def holder(data: DataDir) -> Iterator["subprocess.Popen[str]"]:
    process = hold(data)
    yield process
    process.kill()
    process.communicate()


def test_nobody_is_waited_for_where_nobody_holds(data: DataDir) -> None:
    assert await_answer(data, time.monotonic() + 60) is None


def test_a_holder_that_does_not_answer_in_time_is_named_with_the_remedy(
    data: DataDir, holder: "subprocess.Popen[str]"
) -> None:
    with pytest.raises(CoveError, match=f"process {holder.pid} holds .* does not answer; `cove stop` ends it"):
        await_answer(data, time.monotonic())


def test_a_holder_that_has_died_is_not_waited_for(data: DataDir, holder: "subprocess.Popen[str]") -> None:
    holder.kill()
    assert await_answer(data, time.monotonic() + 60) is None


def test_only_the_process_that_was_meant_is_ended(data: DataDir, holder: "subprocess.Popen[str]") -> None:
    assert end_holder(data, 60, only=holder.pid + 1) is None
    assert holder.poll() is None
    assert end_holder(data, 60, only=holder.pid) == holder.pid
    assert end_holder(data, 60) is None


def test_one_that_does_not_end_is_told(data: DataDir) -> None:
    stubborn = hold(data, "ignoring")
    try:
        with pytest.raises(CoveError, match=r"has not ended within 0\.1 s"):
            end_holder(data, 0.1)
    finally:
        stubborn.kill()
        stubborn.communicate()
