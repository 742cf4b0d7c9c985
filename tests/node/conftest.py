"""Networks of a test's own: one in place of the host's, and one of a sandbox."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from tests.node.relaying import NAMED, OWN, Inside

from cove.node.netns import bring_up_loopback
from cove.node.syscalls import CLONE_NEWNET, setns, unshare


@pytest.fixture(scope="session", autouse=True)
def _umask() -> Iterator[None]:
    """The one that a server sets itself, whatever the starter of the tests has."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def apart() -> Iterator[None]:
    """A network of the test's own in place of the host's, with nothing but `lo`."""
    before = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        unshare(CLONE_NEWNET)
        bring_up_loopback()
        yield
    finally:
        setns(before, CLONE_NEWNET)
        os.close(before)


@pytest.fixture
def outside(apart: None) -> None:
    """The same, and `lo` has two addresses beside 127.0.0.1."""
    for address in (NAMED, OWN):
        subprocess.run(["ip", "addr", "add", f"{address}/32", "dev", "lo"], check=True)


@pytest.fixture
def inside(outside: None) -> Iterator[Inside]:
    client = Inside()
    yield client
    client.close()
