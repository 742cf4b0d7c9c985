"""What servers and commands under test start with: their environment, and user ids that no other has."""

import itertools
import os
import secrets

SLOTS = 128
_IDS_PER_SLOT = 65536
_FIRST, _BLOCKS = 2_300_000_000, 230
_blocks = itertools.count(secrets.randbelow(_BLOCKS))


def clean_environment() -> dict[str, str]:
    """This process's, without what the person running the tests has set for Cove; the tests' own cache stays."""
    return {name: os.environ[name] for name in os.environ if name == "COVE_CACHE" or not name.startswith("COVE_")}


def claim_ids() -> int:
    """The first of `SLOTS` times 65,536 user ids that no other server of this test run has."""
    return _FIRST + next(_blocks) % _BLOCKS * SLOTS * _IDS_PER_SLOT
