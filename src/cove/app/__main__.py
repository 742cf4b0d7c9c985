"""`python -m cove.app DIRECTORY`: what a client runs to start the local Cove there, by the settings of the environment.

It is `cove up --background --data DIRECTORY` without the command line, whose loading is a sixth of a start's time.
"""

import sys

from cove.app.background import start_in_background
from cove.app.settings import settings_from
from cove.core.errors import CoveError


def main() -> None:
    """Return once the Cove answers; a failure is a sentence on stderr and exit code 1."""
    try:
        start_in_background(settings_from({"data": sys.argv[1]}))
    except CoveError as error:
        print(f"cove: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
