"""A `cove up` as a process of its own, and a client of its socket."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import cove


@contextmanager
def served(*options: str) -> Iterator[cove.AgentBay]:
    """A client of a fresh server with these options of `cove up`; its sessions must be deleted within."""
    with tempfile.TemporaryDirectory(dir="/tmp") as data:
        command = [sys.executable, "-m", "cove", "up", "--json", "--port", "0", "--data", data, *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            yield cove.AgentBay(endpoint=json.loads(server.stdout.readline())["socket"])
            server.terminate()
            assert server.wait(timeout=30) == 0
