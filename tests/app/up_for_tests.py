"""`cove up --json --port 0` with simulated sandboxes, which only tests may ask for: `up_for_tests.py DATA`."""

import os
import sys
from pathlib import Path

from cove.app.local import serve
from cove.app.settings import settings_from
from cove.cli.screen import show_json
from cove.testing import SimulatedDriver


def main() -> None:
    """Serve until told to stop."""
    data = Path(sys.argv[1])
    port = os.environ.get("COVE_PORT", "0")
    serve(settings_from({"data": data, "port": port}), driver=SimulatedDriver(data / "simulated"), on_started=show_json)
    sys.stdout.flush()
    os._exit(0)  # a simulated guest's thread may wait for its command: a real one would not live in this process


if __name__ == "__main__":
    main()
