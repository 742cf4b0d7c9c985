"""What callers hand in: how a session shall be, and where the server is."""

from typing import Any

import msgspec

from cove.core.api import CreateSession
from cove.core.errors import InvalidInput
from cove.core.labels import check_labels
from cove.core.lifetimes import check_seconds
from cove.core.limits import Limits, limits_from
from cove.core.network import NetworkPolicy, check_policy
from cove.core.session import OnIdle


class Config(msgspec.Struct, frozen=True):
    """Where the server is, as an object. `timeout_ms` bounds every request that has no timeout of its own.

    `region_id` is accepted because AgentBay's scripts pass it, and means nothing: a Cove has no regions.
    """

    endpoint: str = ""
    timeout_ms: int = 60000
    region_id: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.timeout_ms, int) or self.timeout_ms <= 0:
            raise InvalidInput(name="timeout_ms", value=self.timeout_ms, remedy="give milliseconds, more than 0")


class CreateSessionParams(msgspec.Struct):
    """How a session shall be. What is left out takes the server's published defaults.

    `idle_release_timeout` and `max_lifetime` are seconds. A session that nobody has used for the first of them is
    paused, and wakes on the next call; with `on_idle="release"` it is deleted instead. `limits` is a `Limits`, or a map
    of the limits to change: `memory_bytes`, `cpus`, `pids`, `disk_bytes`, `output_bytes`. `network` is a
    `NetworkPolicy`, or a map of its fields, or its mode alone: `open`, `none`, or `rules` with `allow`.
    """

    labels: dict[str, str] | None = None
    image_id: str | None = None
    idle_release_timeout: float | None = None
    max_lifetime: float | None = None
    limits: Limits | dict[str, Any] | None = None
    on_idle: OnIdle | str | None = None
    network: NetworkPolicy | dict[str, Any] | str | None = None

    def to_wire(self) -> CreateSession:
        """The message that asks for such a session; raises InvalidInput, InvalidLabels or InvalidLimit."""
        if not isinstance(self.image_id, str | None):
            raise InvalidInput(
                name="image_id", value=self.image_id, remedy="give an image's name, such as 'linux_latest'"
            )
        return CreateSession(
            labels=check_labels(self.labels) if self.labels else None,
            image_id=self.image_id,
            idle_timeout=_seconds("idle_release_timeout", self.idle_release_timeout),
            max_lifetime=_seconds("max_lifetime", self.max_lifetime),
            limits=_limits(self.limits),
            on_idle=_on_idle(self.on_idle),
            network=None if self.network is None else msgspec.to_builtins(check_policy(self.network)),
        )


def _seconds(name: str, value: float | None) -> float | None:
    return None if value is None else check_seconds(name, value)


def _on_idle(value: OnIdle | str | None) -> OnIdle | None:
    try:
        return None if value is None else OnIdle(value)
    except ValueError as error:
        raise InvalidInput(name="on_idle", value=value, remedy=f"give one of {', '.join(OnIdle)}") from error


def _limits(limits: Limits | dict[str, Any] | None) -> dict[str, Any] | None:
    if isinstance(limits, Limits):
        return msgspec.structs.asdict(limits)
    if limits is not None:
        limits_from(limits)  # the caller's own mistakes are told before anything is sent
    return limits
