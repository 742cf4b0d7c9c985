"""What each part of the benchmark is given: a Cove that runs, and how often to measure."""

import msgspec

from cove import AgentBay


class Bench(msgspec.Struct, frozen=True):
    """`bay` is a client of a server without options, on a disk; a part that wants other options starts its own."""

    bay: AgentBay
    runs: int
