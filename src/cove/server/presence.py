"""Whether anybody needs this server: requests in flight, when the last one ended, and how many sessions live."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Presence:
    """One server's; the app asks it whether a Cove in the background may go. `clock` counts seconds."""

    def __init__(self, *, is_background: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_background = is_background
        self.in_flight = 0
        self.sockets = 0
        self.uses = 0
        self._clock = clock
        self._living: int | None = None
        self._used = clock()

    def begin(self) -> None:
        """The server answers from now on: the time of its start does not count."""
        self._used = self._clock()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Somebody asks something until the block is left; what was counted before says nothing of what it did."""
        self.in_flight += 1
        try:
            yield
        finally:
            self.in_flight -= 1
            self.uses += 1
            self._used = self._clock()
            self._living = None

    @contextmanager
    def use_socket(self) -> Iterator[None]:
        """The same for a WebSocket, of which there may be many for long: it takes no request's place."""
        self.sockets += 1
        try:
            with self.use():
                yield
        finally:
            self.sockets -= 1

    def count(self, living: int, uses: int) -> None:
        """So many sessions lived when `uses` had been made; that tells nothing once there were more."""
        if uses == self.uses:
            self._living = living

    def unneeded_seconds(self) -> float:
        """For how long nobody has asked anything; 0 while somebody asks, a session lives, or that is not known."""
        if self.in_flight or self._living != 0:
            return 0.0
        return self._clock() - self._used
