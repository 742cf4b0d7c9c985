"""Every check that runs nothing of Cove: all of them, even after one failed, and which failed at the end."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
CODE = tuple(name for name in ("src", "tests", "dev", "benchmarks", "examples") if any((ROOT / name).rglob("*.py")))
CHECKS: tuple[tuple[str, ...], ...] = (
    (f"{BIN}/ruff", "check", "--no-cache", "--quiet", *CODE),
    (f"{BIN}/ruff", "format", "--check", "--no-cache", "--quiet", *CODE),
    (f"{BIN}/mypy", "--no-error-summary"),
    (f"{BIN}/lint-imports", "--no-logo"),
    (sys.executable, "dev/check_sizes.py"),
    (sys.executable, "dev/check_words.py"),
    (sys.executable, "dev/check_hosts.py"),
    (sys.executable, "dev/generate.py", "--check"),
    (sys.executable, "dev/reference.py", "--check"),
)


def run(check: tuple[str, ...]) -> bool:
    """Run one check; its output is shown only where it fails."""
    name = " ".join([Path(check[0]).name, *check[1:]]).removesuffix(" " + " ".join(CODE))
    start = time.monotonic()
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'} {name} ({time.monotonic() - start:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    results = [run(check) for check in CHECKS]
    sys.exit(0 if all(results) else 1)
