"""The command line: one module for each noun. A user of the SDK like any other, except for what starts a server."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run `cove`. A failure is a sentence on stderr and exit code 1, or 2 for wrong usage."""
    from cove.cli.program import program
    from cove.core.errors import CoveError

    try:
        program()
    except CoveError as error:
        print(f"cove: {error}", file=sys.stderr)
        sys.exit(1)
