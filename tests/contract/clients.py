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
    params: str = "CreateSessionParams"
    """What tells how a session is wished for."""

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


ENOUGH = 20_000
"""Milliseconds for a command that ends by itself: what some clients grant unasked, a second, is too short for that."""
FIRST_WITH = {"link": (0, 15), "api": (0,), "vpc": (0,)}
LAST_WITH = {"link": (99,), "api": (99,), "vpc": (0, 14)}
"""Of which releases of AgentBay's client each way to call a tool is."""
LEFT_OUT = [(client, "api") for client in AGENTBAY if client.is_async and client.version in {"0.15.2", "0.19.0"}]
"""What costs more time than it finds: their neighbours go that way with the same code."""


def _agb(version: str) -> Client:
    return Client(
        wheel="agbcloud-sdk",
        version=version,
        package="agb",
        entry="AGB",
        endpoint_variable="AGB_ENDPOINT",
        key_variable="AGB_API_KEY",
        pins=("websockets==17.4",),
        params="agb.session_params:CreateSessionParams",
    )


def _lite(entry: str) -> Client:
    return Client(
        wheel="agentbay-lite",
        version="1.0.1",
        package="agentbay_lite",
        entry=entry,
        endpoint_variable="AGENTBAY_ENDPOINT",
        key_variable="AGENTBAY_API_KEY",
        is_async=entry.startswith("Async"),
    )


AGB = (_agb("0.2.2"), _agb("0.12.0"))
LITE = (_lite("AgentBayCloud"), _lite("AsyncAgentBayCloud"))


def for_each(*clients: Client, since: str = "0", until: str = "99") -> pytest.MarkDecorator:
    """Run a test with each of these clients, or with AgentBay's, of the releases from `since` to `until`."""
    wanted = _between(clients, since, until)
    return pytest.mark.parametrize("client", wanted, ids=[client.id for client in wanted], indirect=True)


def for_each_route(since: str = "0", until: str = "99") -> pytest.MarkDecorator:
    """The same, once for each way in which AgentBay's client calls a tool."""
    wanted = [
        (client, route)
        for client in _between((), since, until)
        for route in FIRST_WITH
        if FIRST_WITH[route] <= client.release <= LAST_WITH[route] and (client, route) not in LEFT_OUT
    ]
    names = [f"{client.id}-{route}" for client, route in wanted]
    return pytest.mark.parametrize(("client", "route"), wanted, ids=names, indirect=True)


def _between(clients: tuple[Client, ...], since: str, until: str) -> list[Client]:
    first, last = (tuple(int(part) for part in version.split(".")) for version in (since, until))
    return [client for client in clients or AGENTBAY if first <= client.release <= last]
