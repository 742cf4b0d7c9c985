"""What the node orders from the launcher and what it answers: JSON in one packet each, descriptors beside it."""

from typing import Any

import msgspec

USER_NAMESPACE = "make the launcher's user namespace"
"""The step at which a launcher fails that may make none, or not with the ids that are lent."""


class Bind(msgspec.Struct, frozen=True):
    """A directory of the host that a sandbox sees, read-only; `recursive` with all that is mounted in it."""

    source: str
    inside: str
    recursive: bool = False


class Overlay(msgspec.Struct, frozen=True):
    """One overlay: `lowers` top first, its layer on the sandbox's disk, and where it is mounted inside."""

    layer: str
    lowers: list[str]
    inside: str


class Ordinary(msgspec.Struct, frozen=True, kw_only=True):
    """What an ordinary user's sandbox has instead of control groups and a disk image: limits of the process table."""

    processes: int
    file_bytes: int


class Order(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A sandbox to make: everything as data, nothing to decide."""

    session_id: str
    directory: str
    first_id: int
    overlays: list[Overlay]
    binds: list[Bind]
    runtime: str
    argv: list[str]
    hostname: str
    born_in: str | None
    join: list[str]
    work_files: list[str]
    relay_port: int | None
    controls: list[str]
    shm_bytes: int
    ordinary: Ordinary | None = None


class Listen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Open the relay's listeners in the network namespace of process `pid`."""

    pid: int


class OpenSockets(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Open the sockets of `dial` in the network namespace of process `pid`."""

    pid: int


class Errand(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something to be done in `directory` as root of the launcher's own user namespace; see `errands`.

    Answered at once with the read end of a pipe, from which an `Outcome` comes in the end.
    """

    name: str
    directory: str
    arguments: list[str] = []


Request = Order | Listen | OpenSockets | Errand
"""The last two only where the launcher has no root."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an errand: its result, or why there is none."""

    result: Any = None
    reason: str = ""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One packet back: `pid` of the sandbox's first process on success; `step` and `reason` of a failure."""

    pid: int = 0
    step: str = ""
    reason: str = ""
