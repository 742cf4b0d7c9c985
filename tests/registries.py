"""What tests take from the registries, made once on this machine and kept."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SECONDS = 600
_PATIENT = {"UV_HTTP_TIMEOUT": "120", "UV_HTTP_RETRIES": "8", "UV_COMPILE_BYTECODE_TIMEOUT": "600"}
"""With a registry that is slow, or away for a moment, and with a machine that is."""


def cached(name: str, make: Callable[[Path], Path]) -> Path:
    """A file or a directory of that name in the cache: what `make` left in an empty directory, the first time.

    Processes that want it at once wait for the first one.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cove-tests"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept := cache / name).exists():
            with tempfile.TemporaryDirectory(dir=cache) as place:
                make(Path(place)).rename(kept)
    return kept


def uv() -> str:
    """As `dev/bootstrap.sh` finds or makes it."""
    return shutil.which("uv") or str(_ROOT / ".cache" / "bootstrap" / "bin" / "uv")


def run(*command: str, cwd: Path) -> None:
    """A program that must succeed."""
    ours = {"UV_SYSTEM_CERTS": "true", **_PATIENT, **os.environ}
    done = subprocess.run(command, cwd=cwd, env=ours, capture_output=True, text=True, timeout=_SECONDS, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
