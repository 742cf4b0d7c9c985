"""The command line: one module for each noun. A user of the SDK like any other, except for what starts a server."""

import sys
import warnings
from typing import NoReturn

__all__ = ["main"]


def main() -> None:
    """Run `cove`. A failure is a sentence on stderr and exit code 1, or 2 for wrong usage."""
    from cove.cli.program import program
    from cove.core.errors import CoveError, SessionPaused

    warnings.showwarning = _warn
    try:
        program(prog_name="cove")
    except SessionPaused as error:
        remedy = f"`cove session resume {error.facts['session_id']}` lets it go on"
        _fail(f"session {error.facts['session_id']!r} is {error.facts['state']}; {remedy}")
    except CoveError as error:
        _fail(str(error))


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    """A person at a terminal wants the sentence, and not where in our code it was said."""
    print(f"cove: {message}", file=sys.stderr)


def _fail(sentence: str) -> NoReturn:
    """Say it, and end; part of it may come from inside a sandbox."""
    from cove.cli.screen import printable

    print(f"cove: {printable(sentence)}", file=sys.stderr)
    sys.exit(1)
