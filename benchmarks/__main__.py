"""`make bench`: measure, print a table, write JSON. Needs root, as the server does."""

import argparse
import json
import os
import platform
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.bench import Bench
from benchmarks.parts import PARTS
from benchmarks.samples import Samples
from benchmarks.server import end_sessions, running_server
from benchmarks.verdicts import Threshold, thresholds
from cove import AgentBay

COLUMNS = {"what": "left", "p50": "right", "worst 1 %": "right", "n": "right", "floor": "right", "": "left"}


def measure(parts: list[str], runs: int) -> dict[str, Samples]:
    """Everything that these parts measure, by name, in the order of the table."""
    found: list[Samples] = []
    with running_server() as endpoint, AgentBay(endpoint=endpoint) as bay:
        for part in parts:
            print(f"measuring: {part}", flush=True)
            try:
                found += PARTS[part](Bench(bay, runs))
            finally:
                end_sessions(bay)
    return {samples.name: samples for samples in found}


def verdicts(measured: dict[str, Samples]) -> dict[str, tuple[Threshold, bool]]:
    """Each threshold on what was measured, and whether it holds."""
    found = {name: limit for name, limit in thresholds().items() if name in measured}
    return {name: (limit, limit.holds(measured)) for name, limit in found.items()}


def table(measured: dict[str, Samples]) -> Table:
    """The measurements beside their floors, with the verdict on those that have a threshold."""
    told = verdicts(measured)
    shown = Table(title=f"Cove on {platform.release()}, {os.cpu_count()} cpus, load {os.getloadavg()[0]:.1f}")
    for name, side in COLUMNS.items():
        shown.add_column(name, justify="right" if side == "right" else "left")
    for name, samples in measured.items():
        floor = measured.get(samples.floor)
        limit, holds = told.get(name, (None, True))
        verdict = f"{limit.text()}: {'holds' if holds else 'FAILS'}" if limit else ""
        row = (number(samples, samples.median()), number(samples, samples.worst()), str(len(samples.values)))
        shown.add_row(name, *row, number(floor, floor.median()) if floor else "", verdict)
    return shown


def number(samples: Samples, value: float) -> str:
    """A value with its unit, to three digits or so."""
    return f"{value:,.{0 if value >= 1000 else 2}f} {samples.unit}".replace(" /", "/").strip()


def as_json(measured: dict[str, Samples]) -> dict[str, object]:
    """The same for programs, every single value included."""
    return {
        "machine": {"kernel": platform.release(), "cpus": os.cpu_count(), "load": os.getloadavg()},
        "measured": {
            name: {"unit": one.unit, "floor": one.floor, "values": one.values} for name, one in measured.items()
        },
        "holds": {name: holds for name, (_, holds) in verdicts(measured).items()},
    }


def main() -> None:
    """Measure and tell; exit code 1 where a threshold does not hold."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="how often each thing is measured (at least 50)")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts, and the floors")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/result.json"), help="where the values go")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("make bench needs root, as this version's sandboxes do: run `sudo make bench`")
    parts = [part for part in PARTS if part == "floors" or part in options.only]
    measured = measure(parts, max(50, options.runs))
    options.json.write_text(json.dumps(as_json(measured), indent=1))
    Console(width=120).print(table(measured))
    print(f"every value: {options.json}")
    raise SystemExit(0 if all(holds for _, holds in verdicts(measured).values()) else 1)


if __name__ == "__main__":
    main()
