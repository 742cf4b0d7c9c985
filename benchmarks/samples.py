"""Times of one thing, and what is said of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec


class Samples(msgspec.Struct, kw_only=True):
    """Measurements of one thing, in `unit`; p50 and p99 are of all of them, none left out."""

    name: str
    unit: str = "ms"
    values: list[float] = []

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Add the milliseconds that the block takes; nothing if it raises."""
        start = time.perf_counter()
        yield
        self.values.append((time.perf_counter() - start) * 1000)

    def time(self, act: Callable[[], object]) -> None:
        """Add the milliseconds that `act` takes."""
        with self.timing():
            act()

    def quantile(self, part: float) -> float:
        """The smallest value that at least `part` of all do not exceed.

        >>> Samples(name="x", values=[3.0, 1.0, 2.0, 4.0]).quantile(0.5)
        2.0
        """
        ordered = sorted(self.values)
        return ordered[max(0, -int(-len(ordered) * part // 1) - 1)]
