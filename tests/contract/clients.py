"""Which releases of which official clients are held to work, and how each is told where Cove is."""

import msgspec
import pytest


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A release, in one of its two forms. `entry` is the class that a script begins with."""

    wheel: str
    version: str
    package: str
    entry: str
    endpoint_variable: str
    key_variable: str
    is_async: bool = False
    pins: tuple[str, ...] = ()
    """Versions that this one needs, where the others' in `pins.txt` do not fit."""

    @property
    def id(self) -> str:
        """What a test's name says."""
        return f"{self.package}-{self.version}{'-async' if self.is_async else ''}"

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers, for comparing."""
        return tuple(int(part) for part in self.version.split("."))


def _agentbay(version: str, entry: str = "AgentBay") -> Client:
    return Client(
        wheel="wuying-agentbay-sdk",
        version=version,
        package="agentbay",
        entry=entry,
        endpoint_variable="AGENTBAY_ENDPOINT",
        key_variable="AGENTBAY_API_KEY",
        is_async=entry.startswith("Async"),
        pins=("websockets==15.0.1",),
    )


AGENTBAY = (
    _agentbay("0.9.3"),
    _agentbay("0.13.1"),
    _agentbay("0.13.1", "AsyncAgentBay"),
    _agentbay("0.15.2"),
    _agentbay("0.15.2", "AsyncAgentBay"),
    _agentbay("0.19.0"),
    _agentbay("0.19.0", "AsyncAgentBay"),
    _agentbay("0.22.3"),
    _agentbay("0.22.3", "AsyncAgentBay"),
)


def for_each(*clients: Client, since: str = "0", until: str = "99") -> pytest.MarkDecorator:
    """Run a test with each of these clients, or with AgentBay's, of the releases from `since` to `until`."""
    first, last = (tuple(int(part) for part in version.split(".")) for version in (since, until))
    wanted = [client for client in clients or AGENTBAY if first <= client.release <= last]
    return pytest.mark.parametrize("client", wanted, ids=[client.id for client in wanted], indirect=True)
