"""What the same machine takes for the least that could be done instead, measured in the same run."""

import shutil
import subprocess
import sys

from benchmarks.bench import Bench
from benchmarks.samples import Samples

FORK = "floor: fork+exec true"
BUBBLEWRAP = "floor: bwrap --unshare-all true"
PYTHON = "floor: python -c pass"
TRUE = shutil.which("true") or "/bin/true"


_FORKS = """
import os, sys, time
for _ in range(int(sys.argv[1])):
    start = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        os.execv(sys.argv[2], [sys.argv[2]])
    os.waitpid(pid, 0)
    print((time.perf_counter() - start) * 1000)
"""


def measure(bench: Bench) -> list[Samples]:
    """All of them."""
    found = (fork_and_exec(bench.runs), bubblewrap(bench.runs), python_start(bench.runs, "pass", name=PYTHON))
    return [samples for samples in found if samples is not None]


def fork_and_exec(runs: int) -> Samples:
    """fork, exec of /bin/true, wait: by system calls, from a small process, since a large one forks more slowly."""
    command = [sys.executable, "-I", "-S", "-c", _FORKS, str(runs), TRUE]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Samples(name=FORK, values=[float(line) for line in printed.split()])


def bubblewrap(runs: int) -> Samples | None:
    """bwrap with all its namespaces and the machine's own root, read-only; None where there is no bwrap."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    command = [program, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", TRUE]
    samples = Samples(name=BUBBLEWRAP)
    for _ in range(runs):
        samples.time(lambda: subprocess.run(command, check=True))
    return samples


def python_start(runs: int, code: str, *, name: str, floor: str = "") -> Samples:
    """A Python that runs `code` and ends."""
    samples = Samples(name=name, floor=floor)
    for _ in range(runs):
        samples.time(lambda: subprocess.run([sys.executable, "-c", code], check=True))
    return samples
