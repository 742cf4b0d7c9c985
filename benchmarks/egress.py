"""What the way out of a session costs: the same client to the same server through the relay, and directly."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.samples import Samples
from benchmarks.server import end_sessions, running_server
from cove import AgentBay

FAR_END = Path(__file__).with_name("far_end.py")
ROUNDS = 10
_SECONDS = 300.0


def measure(bench: Bench) -> list[Samples]:
    """Each thing directly, as its floor, and from inside; in a Cove of its own, whose operator allows the server."""
    with serving() as (host, port):
        direct = {kind: directly(kind, host, port, rounds) for kind, rounds in _kinds(bench).items()}
        with (
            running_server("--allow", f"{host}:{port}") as endpoint,
            AgentBay(endpoint=endpoint) as bay,
            bay.open() as session,
        ):
            inside = {}
            for kind, rounds in _kinds(bench).items():
                words = f"python3 - {kind} {host} {port} {rounds}"
                done = session.command.execute_command(words, timeout_ms=300_000, stdin=FAR_END.read_text())
                inside[kind] = json.loads(done.unwrap())
            end_sessions(bay)
    return [
        Samples(name="floor: directly, egress throughput", unit="GB/s", more_is_better=True, values=direct["pour"]),
        Samples(
            name="egress: throughput",
            unit="GB/s",
            more_is_better=True,
            floor="floor: directly, egress throughput",
            values=inside["pour"],
        ),
        Samples(name="floor: directly, a connection", values=direct["connect"]),
        Samples(name="egress: a connection", floor="floor: directly, a connection", values=inside["connect"]),
    ]


def _kinds(bench: Bench) -> dict[str, int]:
    return {"pour": ROUNDS, "connect": min(500, 5 * bench.runs)}


def directly(kind: str, host: str, port: int, rounds: int) -> list[float]:
    """The client beside us."""
    command = [sys.executable, str(FAR_END), kind, host, str(port), str(rounds)]
    return list(json.loads(subprocess.run(command, capture_output=True, timeout=_SECONDS, check=True).stdout))


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """The server, at an address of this machine that a session does not take for its own loopback."""
    host = own_address()
    with socket.create_server((host, 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, str(FAR_END), "serve", host, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout
        try:
            assert server.stdout.readline() == b"ready\n"
            yield host, port
        finally:
            server.kill()


def own_address() -> str:
    """An address of this machine other than loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.connect(("192.0.2.1", 9))  # sends nothing: the kernel only chooses the address
        return str(asked.getsockname()[0])
