"""The layer over /usr: what it hides and adds, and who makes it."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cove.node.whiteouts import make_whiteouts

MAKERS = 8
HIDDEN = tuple(f"/usr/share/{number}/secret" for number in range(50))
LINKS = {"/usr/bin/python": "python3"}
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_several_makers_at_once_leave_one_whole_layer(tmp_path: Path) -> None:
    together = threading.Barrier(MAKERS, timeout=60)

    def make(target: Path) -> None:
        together.wait()
        make_whiteouts(target, HIDDEN, LINKS)

    with ThreadPoolExecutor(MAKERS) as makers:
        for number in range(10):
            list(makers.map(make, [tmp_path / str(number)] * MAKERS))
    assert sorted(os.listdir(tmp_path)) == sorted(str(number) for number in range(10))
    for target in tmp_path.iterdir():
        modes = [(target / path.removeprefix("/usr/")).lstat().st_mode for path in HIDDEN]
        assert all(stat.S_ISCHR(mode) for mode in modes)
        assert os.readlink(target / "bin/python") == "python3"
        assert stat.S_IMODE(target.stat().st_mode) == 0o755
