"""Directories that are there complete or not at all, however many make the same one at once."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def made_whole(target: Path) -> Iterator[Path]:
    """An empty directory to fill, beside `target`, whose name it takes in one step when the block ends well.

    Another maker's that was faster stays, and is as good. Raises OSError.
    """
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        yield scratch
        scratch.chmod(0o755)
        _settle(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _settle(scratch: Path, target: Path) -> None:
    try:
        scratch.rename(target)
    except OSError:
        if not target.is_dir():
            raise
