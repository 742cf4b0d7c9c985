"""What the node orders from the launcher and what it answers: JSON in one packet each, descriptors beside it."""

import msgspec


class Bind(msgspec.Struct, frozen=True):
    """A directory of the host that a sandbox sees, read-only."""

    source: str
    inside: str


class Overlay(msgspec.Struct, frozen=True):
    """One overlay: `lowers` top first, its layer on the sandbox's disk, and where it is mounted inside."""

    layer: str
    lowers: list[str]
    inside: str


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


class Listen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Open the relay's listeners in the network namespace of process `pid`."""

    pid: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One packet back: `pid` of the sandbox's first process on success; `step` and `reason` of a failure."""

    pid: int = 0
    step: str = ""
    reason: str = ""
