"""What a link costs: the same server through a link and reached directly, in bytes, requests and echoes."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.bench import Bench
from benchmarks.callers import PATIENCE, Callers, Target
from benchmarks.samples import Samples
from cove import Session

PORT = 30100
ORIGIN = Path(__file__).with_name("origin.py")
CONNECTIONS, CROWD = 16, 1000
REQUESTS = 4000
MIB_AT_ONCE = 1024
ROUNDS = 10
FRAME = b"\x82\xc0" + bytes(4) + bytes(64)
"""A masked WebSocket frame of 64 bytes."""


def measure(bench: Bench) -> list[Samples]:
    """Each thing through a link, and directly as its floor."""
    with served_inside(bench) as inside, served_outside() as outside:
        pairs = [
            _beside("link: throughput", "GB/s", inside, outside, lambda target: throughput(target, ROUNDS)),
            _beside("link: small requests", "/s", inside, outside, lambda target: small_requests(target, ROUNDS)),
            _beside("link: WebSocket echo", "ms", inside, outside, lambda target: echoes(target, bench.runs * 10)),
            _beside(f"link: {CROWD} connections, each", "ms", inside, outside, crowd),
        ]
    return [samples for pair in pairs for samples in pair]


def _beside(
    name: str, unit: str, inside: Target, outside: Target, measured: Callable[[Target], list[float]]
) -> list[Samples]:
    is_rate = unit != "ms"
    floor = Samples(name=f"floor: directly, {name.removeprefix('link: ')}", unit=unit, more_is_better=is_rate)
    floor.values += measured(outside)
    samples = Samples(name=name, unit=unit, floor=floor.name, more_is_better=is_rate)
    samples.values += measured(inside)
    return [floor, samples]


@contextlib.contextmanager
def served_inside(bench: Bench) -> Iterator[Target]:
    """The server in a session, through a link."""
    with bench.bay.open() as session:
        session.file_system.write_file("/tmp/origin.py", ORIGIN.read_text()).unwrap()
        session.command.execute_command(f"(setsid python3 /tmp/origin.py {PORT} >/tmp/log 2>&1 &)").unwrap()
        yield _link(session)


def _link(session: Session) -> Target:
    url = urlsplit(session.get_link("https", PORT).unwrap())
    target = Target((url.hostname or "", url.port or 80), url.path.rstrip("/"))
    _await_answer(target)
    return target


@contextlib.contextmanager
def served_outside() -> Iterator[Target]:
    """The same program beside us."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(ORIGIN), str(port)])
    try:
        target = Target(("127.0.0.1", port), "")
        _await_answer(target)
        yield target
    finally:
        server.kill()
        server.wait()


def _await_answer(target: Target) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), target.connect() as connected:
            connected.sendall(target.request("/small", "Connection: close"))
            if connected.recv(65536).startswith(b"HTTP/1.1 200"):
                return
        if time.monotonic() > deadline:
            raise SystemExit("the server to measure did not start")
        time.sleep(0.05)


def throughput(target: Target, rounds: int) -> list[float]:
    """GB/s of one download, `rounds` times."""
    found, buffer = [], bytearray(1 << 20)
    for _ in range(rounds):
        with target.connect() as connected:
            start, total = time.perf_counter(), 0
            connected.sendall(target.request(f"/big/{MIB_AT_ONCE}", "Connection: close"))
            while size := connected.recv_into(buffer):
                total += size
            found.append(total / (time.perf_counter() - start) / 1e9)
        assert total > MIB_AT_ONCE << 20
    return found


def small_requests(target: Target, rounds: int) -> list[float]:
    """Requests a second over a few connections, each with one under way."""
    request = target.request("/small")
    found = []
    for _ in range(rounds):
        with Callers(target, CONNECTIONS) as callers:
            start = time.perf_counter()
            callers.ask(request, REQUESTS)
            found.append(REQUESTS / (time.perf_counter() - start))
    return found


def echoes(target: Target, count: int) -> list[float]:
    """Milliseconds that a frame takes to come back."""
    found = []
    with target.connect() as connected:
        connected.sendall(target.request("/echo", "Connection: Upgrade", "Upgrade: websocket"))
        assert connected.recv(65536).startswith(b"HTTP/1.1 101")
        for _ in range(count):
            start, left = time.perf_counter(), len(FRAME)
            connected.sendall(FRAME)
            while left:
                left -= len(connected.recv(left))
            found.append((time.perf_counter() - start) * 1000)
    return found


def crowd(target: Target) -> list[float]:
    """Milliseconds per request when a thousand connections are open and each asks at once."""
    with Callers(target, CROWD) as callers:
        start = time.perf_counter()
        callers.ask(target.request("/small"), CROWD)
        return [(time.perf_counter() - start) * 1000 / CROWD]
