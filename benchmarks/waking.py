"""What it costs to call a session that has gone to sleep."""

import time

from benchmarks.bench import Bench
from benchmarks.samples import Samples
from cove import AgentBay, CreateSessionParams

IDLE_SECONDS = 0.5
_MOST_SECONDS = 60.0


def wake(bench: Bench) -> list[Samples]:
    """The first command in a session that was paused for idleness: it is thawed, and the command runs."""
    samples = Samples(name="command that wakes a session", floor="command round trip")
    params = CreateSessionParams(idle_release_timeout=IDLE_SECONDS, labels={"is": "asleep"})
    sessions = [bench.bay.create(params).unwrap() for _ in range(bench.runs)]
    for session in sessions:
        session.command.execute_command("true").unwrap()
    await_sleep(bench.bay, len(sessions))
    for session in sessions:
        with samples.timing():
            session.command.execute_command("true").unwrap()
    return [samples]


def await_sleep(bay: AgentBay, count: int) -> None:
    """Return once so many sessions are paused, by looking, which is no use of them."""
    end = time.monotonic() + _MOST_SECONDS
    while (asleep := bay.list(labels={"is": "asleep"}, status="PAUSED").total_count) < count:
        if time.monotonic() > end:
            raise SystemExit(f"after {_MOST_SECONDS} s {asleep} of {count} idle sessions are paused")
        time.sleep(0.1)
