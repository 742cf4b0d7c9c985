"""The fixtures of the isolation suite, on Coves of an ordinary user's; what may differ stands in differences.toml."""

import fnmatch
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.isolation.conftest import Loot, breaches, inside, neighbour, walled
from tests.isolation.running import Running

from .ordinary import NoPython, OrdinaryUser, ordinary_user
from .serving import OrdinaryRunning

__all__ = ["breaches", "inside", "neighbour", "walled"]
DIFFERENCES = Path(__file__).with_name("differences.toml")


def allowed() -> dict[str, pytest.MarkDecorator]:
    """Patterns of tests of the isolation suite that fail without root, with a mark that says why."""
    entries = tomllib.loads(DIFFERENCES.read_text())["difference"]
    return {
        entry["test"]: pytest.mark.xfail(reason=entry["reason"], strict=not entry.get("may_pass")) for entry in entries
    }


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A difference is expected to be one: a test that passes all the same fails, so the list stays true."""
    here = [item for item in items if item.path.parent == DIFFERENCES.parent]
    for item in here:
        name = f"{item.path.stem}::{item.name}"
        for pattern, mark in allowed().items():
            if fnmatch.fnmatchcase(name, pattern):
                item.add_marker(mark)


@pytest.fixture(scope="session")
def ordinary() -> Iterator[OrdinaryUser]:
    """An ordinary user to whom ids are lent."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make an ordinary user")
    if not shutil.which("useradd") or not shutil.which("newuidmap"):
        pytest.skip("needs useradd and newuidmap")
    try:
        with ordinary_user() as made:
            yield made
    except NoPython as missing:
        pytest.skip(str(missing))


class HisLoot(Loot):
    """The host's, and a secret at the user's own home: a sandbox is not to be its maker."""

    def __init__(self, ordinary: OrdinaryUser) -> None:
        super().__init__()
        self._user = ordinary
        self._directories.append(ordinary.home / f"cove-test-{self.token}")
        self.secrets.append(self._directories[-1] / "secret")

    def __enter__(self) -> "HisLoot":
        super().__enter__()
        for path in (self._directories[-1], self.secrets[-1]):
            os.chown(path, self._user.uid, self._user.gid)
        return self


@pytest.fixture(scope="session")
def loot(ordinary: OrdinaryUser) -> Iterator[Loot]:
    """What there is to find."""
    with HisLoot(ordinary) as loot:
        yield loot


@pytest.fixture(scope="session")
def serve(loot: Loot, ordinary: OrdinaryUser) -> Callable[..., Running]:
    """Starts a Cove of the user's, without the named walls or with other settings."""
    return partial(OrdinaryRunning, ordinary, token=loot.token)


@pytest.fixture(scope="session")
def cove(serve: Callable[..., Running]) -> Iterator[Running]:
    """One with every wall."""
    with serve() as running:
        yield running
