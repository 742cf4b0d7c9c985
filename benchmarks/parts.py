"""Every part of the benchmark, in the order of the table: a function that measures and gives its samples.

What must hold of them stands in thresholds.toml.
"""

from collections.abc import Callable, Iterable

from benchmarks import doors, egress, floors, links, local, measures, waking
from benchmarks.bench import Bench
from benchmarks.samples import Samples

Part = Callable[[Bench], Iterable[Samples]]
PARTS: dict[str, Part] = {
    "floors": floors.measure,
    "import": measures.client_start,
    "sessions": measures.one_session,
    "local": local.starts,
    "wake": waking.wake,
    "doors": doors.measure,
    "links": links.measure,
    "egress": egress.measure,
    "memory": measures.idle_memory,
    "crowd": measures.crowd,
}
