"""The local Cove, as a program without any set-up meets it: `AgentBay()` alone."""

import os
import subprocess
import sys
import tempfile

from benchmarks.bench import Bench
from benchmarks.samples import Samples

COLD_STARTS = 20
_FIRST_RESULT = """
import time
from cove import AgentBay
start = time.perf_counter()
with AgentBay() as bay:
    session = bay.create().unwrap()
    session.command.execute_command("true").unwrap()
    print((time.perf_counter() - start) * 1000)
    session.delete().unwrap()
"""


def starts(bench: Bench) -> list[Samples]:
    """From `AgentBay()` to the first command's result, each in a new program: nothing rendered, no server, a server."""
    first = Samples(name="AgentBay() → first result, the very first")
    cold = Samples(name="AgentBay() → first result, cold")
    warm = Samples(name="AgentBay() → first result, warm", floor="create → first result")
    with tempfile.TemporaryDirectory(prefix="cove-bench-", dir="/var/tmp") as data:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COVE_")}
        environment |= {"COVE_DATA": data, "COVE_PORT": "0"}
        try:
            first.values.append(first_result(environment))
            for _ in range(COLD_STARTS):
                run(environment, "-m", "cove", "stop")
                cold.values.append(first_result(environment))
            warm.values.extend(first_result(environment) for _ in range(bench.runs))
        finally:
            run(environment, "-m", "cove", "stop")
    return [first, cold, warm]


def first_result(environment: dict[str, str]) -> float:
    """Milliseconds, as the program itself measures them; its imports are not in them."""
    return float(run(environment, "-c", _FIRST_RESULT))


def run(environment: dict[str, str], *words: str) -> str:
    """What a program of this Python prints."""
    return subprocess.run(
        [sys.executable, *words], env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
