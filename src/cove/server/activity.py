"""When each session was last used: kept in memory, since writing it down would cost a commit per call."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from cove.core.ids import SessionId


class Activity:
    """Calls in flight and the end of the last use. What was never seen counts as used when the server started."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._last: dict[SessionId, float] = {}
        self._in_flight: Counter[SessionId] = Counter()
        self._calls_running: Counter[SessionId] = Counter()
        self._calls_total: Counter[SessionId] = Counter()

    def touch(self, session_id: SessionId) -> None:
        """The session is used now."""
        self._last[session_id] = self._clock()

    @contextmanager
    def use(self, session_id: SessionId) -> Iterator[None]:
        """The session is in use until the block is left."""
        self._in_flight[session_id] += 1
        try:
            yield
        finally:
            self._in_flight[session_id] -= 1
            self.touch(session_id)

    @contextmanager
    def call(self, session_id: SessionId) -> Iterator[None]:
        """A tool is being called until the block is left."""
        self._calls_running[session_id] += 1
        self._calls_total[session_id] += 1
        try:
            yield
        finally:
            self._calls_running[session_id] -= 1

    def calls(self, session_id: SessionId) -> tuple[int, int]:
        """Calls of tools that run now, and all of them since the server started."""
        return self._calls_running[session_id], self._calls_total[session_id]

    def is_busy(self, session_id: SessionId) -> bool:
        """Whether a call is in flight."""
        return self._in_flight[session_id] > 0

    def idle_seconds(self, session_id: SessionId) -> float:
        """Seconds since the last use; 0 while a call is in flight."""
        if self.is_busy(session_id):
            return 0.0
        return self._clock() - self._last.get(session_id, self._started)

    def is_idle(self, session_id: SessionId, seconds: float) -> bool:
        """Whether the last use is so long ago."""
        return self.idle_seconds(session_id) >= seconds

    def known(self) -> set[SessionId]:
        """The sessions that were used since the server started."""
        return self._last.keys() | self._in_flight.keys()

    def forget(self, ended: Iterable[SessionId]) -> None:
        """These are no more; one that a call is still in is forgotten another time."""
        for session_id in ended:
            if not self.is_busy(session_id):
                self._last.pop(session_id, None)
                self._in_flight.pop(session_id, None)
                self._calls_running.pop(session_id, None)
                self._calls_total.pop(session_id, None)
