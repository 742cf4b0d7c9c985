"""What servers and commands under test start with: their environment, and user ids and ports that no other has."""

import os
import secrets
import socket
from contextlib import suppress

from tests.world import pids, uid_of

from cove.core.account import ID_RANGE

SLOTS = 128
_FIRST, _BLOCKS = 2_300_000_000, 200
_claims: dict[int, socket.socket] = {}
_PORTS = range(10_000, 30_000)
"""Below those that the kernel gives to whoever asks for any: nobody has one of them by chance."""
_ports: dict[int, socket.socket] = {}


def clean_environment() -> dict[str, str]:
    """This process's, without what the person running the tests has set for Cove; the tests' own cache stays.

    Nor the size of the terminal, which pytest's workers have in it.
    """
    kept = (name for name in os.environ if name == "COVE_CACHE" or not name.startswith(("COVE_", "COLUMNS", "LINES")))
    return {name: os.environ[name] for name in kept}


def claim_ids() -> int:
    """The first of `SLOTS` times `ID_RANGE` user ids that no other server under test on this machine has.

    A name in the kernel holds them, until `release_ids` or the end of this process. Sandboxes of a test that was killed
    keep theirs for as long as they live.
    """
    start = secrets.randbelow(_BLOCKS)
    taken = {(uid_of(pid) - _FIRST) // (SLOTS * ID_RANGE) for pid in pids()}
    for block in (*range(start, _BLOCKS), *range(start)):
        if block in taken:
            continue
        claim = socket.socket(socket.AF_UNIX)
        with suppress(OSError):  # somebody has it
            claim.bind(f"\0cove-test-ids-{block}")
            first = _FIRST + block * SLOTS * ID_RANGE
            _claims[first] = claim
            return first
        claim.close()
    raise AssertionError(f"all {_BLOCKS} ranges of user ids are in use")


def release_ids(first: int) -> None:
    """Let others claim what `claim_ids` gave, once nothing runs under it."""
    _claims.pop(first).close()


def claim_port() -> int:
    """A TCP port that no other test on this machine has, for a server that is to come back to it.

    While nobody listens there, the kernel gives it to no other, as it may give one that was asked for as port 0.
    """
    start = secrets.choice(_PORTS)
    for port in (*range(start, _PORTS.stop), *range(_PORTS.start, start)):
        claim = socket.socket(socket.AF_UNIX)
        with suppress(OSError), socket.socket() as probe:  # a test has it, or another program
            claim.bind(f"\0cove-test-port-{port}")
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("", port))
            _ports[port] = claim
            return port
        claim.close()
    raise AssertionError(f"no port of {_PORTS} is free")
