"""What a node is told: where it keeps things, which ids it may use, and whom its sandboxes may reach."""

from pathlib import Path

import msgspec


class NodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`instance` names this node's cgroups and must be unique on the machine.

    `cache_dir` keeps rendered images and runtimes, which several nodes may share; the data directory does by default.

    Slot N owns the ids from `first_uid + N * 65536`; the ranges must not touch those of /etc/subuid.
    """

    data_dir: Path
    cache_dir: Path | None = None
    instance: str
    allow: tuple[str, ...] = ()
    first_uid: int = 2_000_000_000
    slots: int = 1024

    @property
    def cache(self) -> Path:
        """Where rendered images and runtimes are."""
        return self.cache_dir or self.data_dir

    @property
    def sandboxes(self) -> Path:
        """One directory per sandbox, readable by nobody else."""
        return self.data_dir / "sandboxes"
