"""The only module of the command line that reads the environment; where the server is, the SDK finds out by itself."""

import os
from collections.abc import Mapping


def unaddressed(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without anything that leads to a Cove, for a server that must not meet another's settings."""
    return {name: value for name, value in environ.items() if not name.startswith("COVE_")}
