"""`make bench`: measure, print a table, write JSON. Needs root, as the server does."""

import argparse
import json
import os
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import floors, measures
from benchmarks.samples import Samples
from benchmarks.server import end_sessions, running_server
from benchmarks.verdicts import thresholds
from cove import AgentBay

START = "from cove import AgentBay; AgentBay()"


def measure(runs: int) -> dict[str, Samples]:
    """Everything, by name, in the order of the table."""
    found = [floors.fork_and_exec(runs), floors.bubblewrap(runs)]
    found += [floors.python_start(runs, "pass", "floor: python -c pass"), floors.python_start(runs, START, START)]
    with running_server() as endpoint, AgentBay(endpoint=endpoint) as bay:
        try:
            found += measures.cold_start(bay, runs)
            with bay.open() as session:
                found += measures.round_trip(session, runs)
                found += measures.pause_and_resume(session, runs)
            found += measures.idle_memory(bay)
            found += measures.crowd(bay)
        finally:
            end_sessions(bay)
    return {samples.name: samples for samples in found if samples is not None}


def table(measured: dict[str, Samples]) -> Table:
    """The measurements, with the verdict on those that have a threshold."""
    limits = thresholds()
    shown = Table(title=f"Cove on {platform.release()}, {os.cpu_count()} cpus, load {os.getloadavg()[0]:.1f}")
    for name in ("what", "p50", "p99", "n", "threshold", ""):
        shown.add_column(name, justify="right" if name in ("p50", "p99", "n") else "left")
    for name, samples in measured.items():
        numbers = [f"{samples.quantile(part):.2f} {samples.unit}".strip() for part in (0.5, 0.99)]
        limit = limits.get(name)
        verdict = "" if limit is None else ("holds" if limit.holds(measured) else "FAILS")
        shown.add_row(name, *numbers, str(len(samples.values)), limit.text() if limit else "", verdict)
    return shown


def as_json(measured: dict[str, Samples]) -> dict[str, object]:
    """The same for programs, every single value included."""
    limits = thresholds()
    return {
        "machine": {"kernel": platform.release(), "cpus": os.cpu_count(), "load": os.getloadavg()},
        "measured": {name: {"unit": one.unit, "values": one.values} for name, one in measured.items()},
        "holds": {name: limit.holds(measured) for name, limit in limits.items()},
    }


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="how often each thing is measured (at least 50)")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/result.json"), help="where the values go")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("make bench needs root, as this version's sandboxes do: run `sudo make bench`")
    measured = measure(max(50, options.runs))
    options.json.write_text(json.dumps(as_json(measured), indent=1))
    Console(width=110).print(table(measured))
    print(f"every value: {options.json}")


if __name__ == "__main__":
    main()
