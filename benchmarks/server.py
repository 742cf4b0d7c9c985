"""The Cove under measurement: `cove up` in a process of its own, on a disk, as a user runs it."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from cove import AgentBay


class Running(msgspec.Struct, frozen=True):
    """A server that runs: its Unix socket, its TCP door with the key for it, and its data directory."""

    endpoint: str
    url: str
    key: str
    data: Path


@contextmanager
def running_server(*options: str) -> Iterator[str]:
    """The endpoint of one that runs until the block is left."""
    with running(*options) as server:
        yield server.endpoint


@contextmanager
def running(*options: str) -> Iterator[Running]:
    """A `cove up` with these options that runs until the block is left; its sessions end with it.

    The data directory lies below /var/tmp: on many machines /tmp is memory, where durability costs nothing.
    """
    with tempfile.TemporaryDirectory(prefix="cove-bench-", dir="/var/tmp") as data:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVE_")}
        command = [
            sys.executable,
            "-m",
            "cove",
            "up",
            "--json",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--data",
            data,
            *options,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, start_new_session=True) as server:
            try:
                yield _started(server, Path(data))
            finally:
                server.terminate()
                server.wait(60)


def _started(server: "subprocess.Popen[bytes]", data: Path) -> Running:
    assert server.stdout
    line = server.stdout.readline()
    if not line:
        raise SystemExit(f"`cove up` ended with exit code {server.wait()} before it answered")
    told = msgspec.json.decode(line)
    assert Path(told["data"]) == data
    return Running(f"unix://{data}/run/cove.sock", told["url"], told["first_key"], data)


def end_sessions(bay: AgentBay) -> None:
    """Delete whatever a measurement that broke off has left."""
    for entry in bay.list(limit=100).unwrap():
        bay.get(entry["sessionId"]).unwrap().delete()
