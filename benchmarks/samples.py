"""Times of one thing, and what is said of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec


class Samples(msgspec.Struct, kw_only=True):
    """Measurements of one thing, in `unit`, none left out. `floor` names what they are told beside: the least that
    could be done instead, or the same without Cove, measured in the same run. Of a rate, `more_is_better`.
    """

    name: str
    unit: str = "ms"
    floor: str = ""
    more_is_better: bool = False
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

    def median(self) -> float:
        """p50."""
        return self.quantile(0.5)

    def worst(self) -> float:
        """The value that 99 of 100 are better than: p99, of a rate p1."""
        return self.quantile(0.01 if self.more_is_better else 0.99)
