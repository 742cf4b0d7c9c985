"""Holds measurements against the thresholds, which are data."""

import tomllib
from pathlib import Path

import msgspec

from benchmarks.samples import Samples

THRESHOLDS = Path(__file__).with_name("thresholds.toml")


class Threshold(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of thresholds.toml."""

    of: str
    says: str
    at: float
    unit: str = "ms"
    over: bool = False
    at_most: float | None = None
    at_least: float | None = None

    def value(self, measured: dict[str, Samples]) -> float:
        """What is compared."""
        samples = measured[self.of]
        return samples.quantile(self.at) - (measured[samples.floor].median() if self.over else 0.0)

    def holds(self, measured: dict[str, Samples]) -> bool:
        """Whether the measurement is within."""
        value = self.value(measured)
        within = self.at_most is None or value <= self.at_most
        return within and (self.at_least is None or value >= self.at_least)

    def limit(self) -> str:
        """The bound, with its unit."""
        sign, bound = ("≥", self.at_least) if self.at_most is None else ("≤", self.at_most)
        return f"{sign} {bound:,g} {self.unit}".replace(" /", "/").strip()

    def text(self) -> str:
        """It as a person reads it."""
        return f"p{round(self.at * 100)} {self.limit()}" + (" over its floor" if self.over else "")


def thresholds() -> dict[str, Threshold]:
    """Each by what it is about."""
    lines = msgspec.convert(tomllib.loads(THRESHOLDS.read_text())["threshold"], list[Threshold])
    return {line.of: line for line in lines}
