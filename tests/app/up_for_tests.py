"""`cove up` with what only tests may ask for: `up_for_tests.py DATA [--real]`.

Sandboxes are simulated unless `--real` is given. At the checkpoint that COVE_TEST_KILL_AT names, the server ends itself
with SIGKILL. It prints what `cove up --json` prints, and listens on a free port.
"""

import os
import signal
import sys
from pathlib import Path

from cove.app.local import serve
from cove.app.settings import settings_from
from cove.cli.screen import show_json
from cove.testing import SimulatedDriver


def die_there(name: str) -> None:
    """End without a word, as a machine that loses power does."""
    if name == os.environ.get("COVE_TEST_KILL_AT"):
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Serve until told to stop."""
    data = Path(sys.argv[1])
    driver = None if "--real" in sys.argv else SimulatedDriver(data / "simulated")
    serve(settings_from({"data": data, "port": 0}), driver=driver, checkpoint=die_there, on_started=show_json)
    sys.stdout.flush()
    os._exit(0)  # a simulated guest's thread may wait for its command: a real one would not live in this process


if __name__ == "__main__":
    main()
