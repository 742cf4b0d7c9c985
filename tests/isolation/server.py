"""A whole Cove on a data directory, with the controls left out that are named after it: `server.py DATA [CONTROL…]`.

Prints one line of JSON once it answers. Only tests may leave a control out: `cove up` has no way to.
"""

import sys
from pathlib import Path

import msgspec

from cove.app.data import DataDir
from cove.app.local import Started, node_settings, serve
from cove.app.settings import settings_from
from cove.node.drivers.namespaces import NamespacesDriver
from cove.node.launcher.lock_down import CONTROLS


def _tell(started: Started) -> None:
    print(msgspec.json.encode(started).decode(), flush=True)


def main(data_dir: Path, left_out: list[str]) -> None:
    """Serve until told to stop."""
    unknown = set(left_out) - set(CONTROLS)
    if unknown:
        raise SystemExit(f"no such controls: {unknown}")
    settings = settings_from({"data": data_dir, "port": 0})
    data = DataDir(data_dir)
    data.prepare()
    node = node_settings(settings, data)
    controls = tuple(control for control in CONTROLS if control not in left_out)
    serve(settings, driver=NamespacesDriver(node, controls=controls), on_started=_tell)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
