"""A short name for what an image holds that somebody brought; none of its files is read."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cove.node.images.etc import etc_facts

_PACKAGES = ("var/lib/dpkg/status", "lib/apk/db/installed", "var/lib/rpm")
"""Where the package managers of distributions keep what is installed."""


def root_fingerprint(root: Path) -> str:
    """Of its packages, its configuration and what lies at its top, as they are now; a different one means drift.

    What is not there, or not ours to look at, counts as nothing.
    """
    digest = hashlib.sha256()
    for line in (*_states(root, _top(root)), *_states(root, _PACKAGES), *_configuration(root)):
        digest.update(line.encode(errors="surrogateescape") + b"\n")
    return f"root-{digest.hexdigest()[:16]}"


def _top(root: Path) -> list[str]:
    try:
        return sorted(os.listdir(root))
    except OSError:
        return []


def _states(root: Path, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        with suppress(OSError):
            state = os.lstat(root / name)
            yield f"{name} {state.st_mode:o} {state.st_size} {state.st_mtime_ns}"


def _configuration(root: Path) -> Iterator[str]:
    with suppress(OSError):
        yield from etc_facts(root / "etc")
