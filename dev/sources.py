"""Which files the checks look at: those that git tracks, or would."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent


def project_files(*suffixes: str) -> Iterator[Path]:
    """Paths of the project's files with one of these suffixes (all of them without one), relative to its root."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in sorted({name for name in names if name}):
        if (not suffixes or name.endswith(suffixes)) and (ROOT / name).is_file():
            yield Path(name)
