"""What is measured of a Cove, each through the public client."""

from concurrent.futures import ThreadPoolExecutor

from benchmarks import floors
from benchmarks.bench import Bench
from benchmarks.memory import private_mib
from benchmarks.samples import Samples
from cove import AgentBay, Session

CROWD = 50
IDLE_SESSIONS = 5
START = "from cove import AgentBay; AgentBay()"


def client_start(bench: Bench) -> list[Samples]:
    """A program that makes a client and ends."""
    return [floors.python_start(bench.runs, START, name=START, floor=floors.PYTHON)]


def one_session(bench: Bench) -> list[Samples]:
    """Its birth and end, its commands, its pauses."""
    found = cold_start(bench.bay, bench.runs)
    with bench.bay.open() as session:
        return [*found, *round_trip(session, bench.runs), *pause_and_resume(session, bench.runs)]


def cold_start(bay: AgentBay, runs: int) -> list[Samples]:
    """From the call of create to the first command's result, and the deletion after it; nothing is made beforehand."""
    first, deletion = Samples(name="create → first result", floor=floors.BUBBLEWRAP), Samples(name="delete")
    for _ in range(runs):
        with first.timing():
            session = bay.create().unwrap()
            session.command.execute_command("true").unwrap()
        with deletion.timing():
            session.delete().unwrap()
    return [first, deletion]


def round_trip(session: Session, runs: int) -> list[Samples]:
    """One command after the other in a session that runs."""
    samples = Samples(name="command round trip", floor=floors.FORK)
    for _ in range(runs):
        samples.time(lambda: session.command.execute_command("true").unwrap())
    return [samples]


def pause_and_resume(session: Session, runs: int) -> list[Samples]:
    """Until the answer says that the session is PAUSED, or RUNNING again."""
    pause, resume = Samples(name="pause"), Samples(name="resume")
    for _ in range(runs):
        pause.time(lambda: session.pause().unwrap())
        resume.time(lambda: session.resume().unwrap())
    return [pause, resume]


def idle_memory(bench: Bench) -> list[Samples]:
    """Private memory of sessions that have run one command and do nothing."""
    samples = Samples(name="private memory, idle session", unit="MiB")
    sessions = [bench.bay.create().unwrap() for _ in range(IDLE_SESSIONS)]
    for session in sessions:
        session.command.execute_command("true").unwrap()
    for session in sessions:
        samples.values.append(private_mib(session.session_id))
        session.delete().unwrap()
    return [samples]


def crowd(bench: Bench) -> list[Samples]:
    """Fifty sessions made, used and deleted by fifty threads at once: how many succeed, and what each one took."""
    succeeded = Samples(name=f"{CROWD} at once: successes", unit="", more_is_better=True)
    made, each = Samples(name=f"{CROWD} at once: create"), Samples(name=f"{CROWD} at once: each whole life")
    total = Samples(name=f"{CROWD} at once: all")
    with total.timing(), ThreadPoolExecutor(CROWD) as threads:
        outcomes = list(threads.map(lambda _: _whole_life(bench.bay, made, each), range(CROWD)))
    for problem in [outcome for outcome in outcomes if outcome]:
        print(f"one of {CROWD} failed: {problem}")
    succeeded.values.append(float(outcomes.count("")))
    return [succeeded, made, each, total]


def _whole_life(bay: AgentBay, made: Samples, each: Samples) -> str:
    try:
        with each.timing():
            with made.timing():
                session = bay.create().unwrap()
            assert session.command.execute_command("echo $((6*7))").unwrap().strip() == "42"
            session.delete().unwrap()
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is counted and shown
        return f"{type(problem).__name__}: {problem}"
    return ""
