"""The only module of the command line that reads the environment; where the server is, the SDK finds out by itself."""

import os
import re
from collections.abc import Mapping


def terminal_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What tells programs how to draw on this process's terminal."""
    known = {name: environ.get(name, "") for name in ("TERM", "COLORTERM")}
    return {name: value for name, value in known.items() if re.fullmatch(r"[A-Za-z0-9._+-]{1,64}", value)}


def unaddressed(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment without anything that leads to a Cove, for a server that must not meet another's settings."""
    return {name: value for name, value in environ.items() if not name.startswith("COVE_")}
