"""What one session may use at most: named limits with published defaults and ranges."""

from typing import Annotated, Any

import msgspec

from cove.core.errors import InvalidLimit

MIB = 1024 * 1024
GIB = 1024 * MIB


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of a session. Each is enforced by the kernel, except `output_bytes`, which the guest enforces.

    A command that exceeds `memory_bytes` is killed; files in /dev/shm take at most half of it. Writing past
    `disk_bytes` gives "No space left on device"; a fork past `pids` gives EAGAIN; output past `output_bytes` (each of
    stdout and stderr) is dropped and the result says `truncated`.
    """

    memory_bytes: Annotated[int, msgspec.Meta(ge=64 * MIB, le=1024 * GIB)] = 2 * GIB
    cpus: Annotated[float, msgspec.Meta(ge=0.05, le=512)] = 2.0
    pids: Annotated[int, msgspec.Meta(ge=16, le=32768)] = 1024
    disk_bytes: Annotated[int, msgspec.Meta(ge=64 * MIB, le=4096 * GIB)] = 8 * GIB
    output_bytes: Annotated[int, msgspec.Meta(ge=1024, le=64 * MIB)] = 4 * MIB

    @property
    def shm_bytes(self) -> int:
        """What /dev/shm holds: as on any Linux half of the memory, so that full it leaves room for `rm`."""
        return self.memory_bytes // 2


def limits_from(values: dict[str, Any] | None) -> Limits:
    """Limits from a plain map; raises InvalidLimit, naming the field.

    >>> limits_from({"cpus": 0.5}).cpus
    0.5
    """
    try:
        return msgspec.convert(values or {}, Limits)
    except msgspec.ValidationError as error:
        names = ", ".join(Limits.__struct_fields__)
        raise InvalidLimit(name="limits", value=values, remedy=f"{error} (limits are {names})") from error
