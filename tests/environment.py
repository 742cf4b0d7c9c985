"""The environment that a server or a command under test starts with."""

import os


def clean_environment() -> dict[str, str]:
    """This process's, without what the person running the tests has set for Cove; the tests' own cache stays."""
    return {name: os.environ[name] for name in os.environ if name == "COVE_CACHE" or not name.startswith("COVE_")}
