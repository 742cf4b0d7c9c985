"""Calls by their id: the same id never runs twice, its result is kept, and it can be cancelled."""

from collections import OrderedDict
from collections.abc import Callable

from cove.core.limits import MIB
from cove.guest.answers import Answer
from cove.guest.cancel import Cancel
from cove.guest.threads import Gate, Lock

MOST_KEPT = 64
MOST_BYTES = 64 * MIB


class _Running:
    def __init__(self) -> None:
        self.cancel = Cancel()
        self.done = Gate()
        self.answer: Answer | None = None


class Calls:
    """The calls that run, and the answers of the last ones. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._running: dict[str, _Running] = {}
        self._kept: OrderedDict[str, Answer] = OrderedDict()

    def run(self, call_id: str, work: Callable[[Cancel], Answer]) -> Answer:
        """The answer of this call: kept, awaited, or made now by `work`, which must not raise."""
        with self._lock:
            if call_id in self._kept:
                return self._kept[call_id]
            other = self._running.get(call_id)
            if other is None:
                mine = self._running[call_id] = _Running()
        if other is not None:
            other.done.pass_through()
            if other.answer is None:
                raise RuntimeError(f"call {call_id} ended without an answer")
            return other.answer
        return self._run(call_id, mine, work)

    def cancel(self, call_id: str) -> bool:
        """Ask a running call to end; False if there is none."""
        with self._lock:
            running = self._running.get(call_id)
            if running is not None:
                running.cancel.set()
            return running is not None

    def _run(self, call_id: str, mine: _Running, work: Callable[[Cancel], Answer]) -> Answer:
        try:
            mine.answer = work(mine.cancel)
            return mine.answer
        finally:
            with self._lock:
                del self._running[call_id]
                mine.cancel.close()
                if mine.answer is not None:
                    self._keep(call_id, mine.answer)
            mine.done.open()

    def _keep(self, call_id: str, answer: Answer) -> None:
        self._kept[call_id] = answer
        # The newest stays even when it alone is over the bound: its caller may have lost the connection just now.
        while len(self._kept) > MOST_KEPT or (len(self._kept) > 1 and self._bytes() > MOST_BYTES):
            self._kept.popitem(last=False)

    def _bytes(self) -> int:
        return sum(len(answer.body) for answer in self._kept.values())
