"""What everybody who asks about changes of files has been told already.

Who asks now and then (`get_file_change`) is told what changed since the last question about a path, whoever asked.
Who watches is told as it happens, each watcher everything once. The official clients do both in turn: they ask, begin
to watch, and ask again for what came between. So a watch begins where the last question ended, and the question that
follows it is answered with nothing: what came between is pushed.
"""

import time
from collections import OrderedDict

from cove.core.results import FileChange
from cove.guest.changes import MOST_ENTRIES, Traces, changes
from cove.guest.failures import failed
from cove.guest.threads import Lock

_SECONDS_TO_ASK_AGAIN = 10.0
"""For the client that has begun to watch to ask once more."""
_SECONDS_TO_BE_TOLD = 2.0
"""For a watcher that is being told of changes when somebody asks about the same path; else both are told of them."""
MOST_WATCHES = 16


class Watched:
    """One watcher's knowledge of a path. Only `Baselines` changes it."""

    def __init__(self, path: str, told: Traces) -> None:
        self.path, self.told = path, told
        self.asks_again_until = time.monotonic() + _SECONDS_TO_ASK_AGAIN
        self.is_alone = True
        """Nobody asks about the path but those who watch it."""
        self.telling = Lock()
        """Held while the watcher is told something, until `Baselines.told` has it."""


class Baselines:
    """The last snapshot of each path that was asked about. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: OrderedDict[str, Traces] = OrderedDict()
        self._watched: list[Watched] = []

    def settle(self, path: str) -> None:
        """Wait, for seconds at most, until it is known what the watchers of `path` are being told at this moment."""
        with self._lock:
            watchers = [watched for watched in self._watched if watched.path == path and watched.is_alone]
        until = time.monotonic() + _SECONDS_TO_BE_TOLD
        for watched in watchers:
            if watched.telling.acquire(timeout=max(0.0, until - time.monotonic())):
                watched.telling.release()

    def advance(self, path: str, now: Traces) -> list[FileChange]:
        """Changes since the last snapshot of `path`, which `now` replaces; none when it is the first."""
        with self._lock:
            if self._asks_again(path):
                return []
            before = self._known.get(path, now)
            self._remember(path, now)
        return changes(before, now)

    def knows(self, path: str) -> bool:
        """Whether there is a snapshot of `path`."""
        with self._lock:
            return path in self._known

    def begin(self, path: str, now: Traces) -> Watched:
        """A watcher of `path`, which looks like `now`; raises ToolFailed where too much is watched."""
        with self._lock:
            entries = len(now) + sum(len(watched.told) for watched in self._watched)
            if len(self._watched) >= MOST_WATCHES or entries > MOST_ENTRIES:
                watching = f"{len(self._watched)} paths with {entries - len(now)} entries are watched already"
                raise failed("TooManyWatches", f"{watching}, of {MOST_WATCHES} and {MOST_ENTRIES} in a session")
            watched = Watched(path, self._known.get(path, now))
            watched.is_alone = all(other.is_alone for other in self._watched if other.path == path)
            self._remember(path, watched.told)
            self._watched.append(watched)
        return watched

    def told(self, watched: Watched, now: Traces) -> None:
        """The watcher was told of everything up to `now`."""
        with self._lock:
            watched.told = now
            if watched.is_alone:  # so that it finds what it missed by asking, should its connection be lost
                self._remember(watched.path, now)

    def end(self, watched: Watched) -> None:
        """It watches no more."""
        with self._lock:
            self._watched = [other for other in self._watched if other is not watched]

    def _asks_again(self, path: str) -> bool:
        """Whether this is the question that follows the beginning of a watch."""
        for watched in self._watched:
            if watched.path == path and watched.asks_again_until > time.monotonic():
                watched.asks_again_until = 0.0
                return True
        for watched in self._watched:
            watched.is_alone = watched.is_alone and watched.path != path
        return False

    def _remember(self, path: str, now: Traces) -> None:
        self._known[path] = now
        self._known.move_to_end(path)
        while len(self._known) > 1 and sum(map(len, self._known.values())) > MOST_ENTRIES:
            self._known.popitem(last=False)
