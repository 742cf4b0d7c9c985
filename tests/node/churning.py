"""A directory of a host that lives on: what is in it comes and goes while somebody walks through it."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SECONDS = 60


@contextmanager
def churning(directory: Path) -> Iterator[None]:
    """Files, links and directories come, go and take each other's names, as where packages are installed."""
    over = threading.Event()

    def churn() -> None:
        while not over.is_set():
            _come_and_go(directory)
            for _ in range(20):
                _take_turns(directory / "k")

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_SECONDS)
    assert not thread.is_alive()


def _come_and_go(directory: Path) -> None:
    for name in ("a.d", "n.d", "z.d"):
        (directory / name / "deeper").mkdir(parents=True)
        for number in range(5):
            (directory / name / "deeper" / f"{number}.pem").write_text("x")
    for name in ("z.d", "n.d", "a.d"):
        shutil.rmtree(directory / name)


def _take_turns(name: Path) -> None:
    """One name is a file, a link and a directory, one after the other."""
    name.write_text("x")
    name.unlink()
    name.symlink_to("/usr/nowhere")
    name.unlink()
    name.mkdir()
    name.rmdir()
