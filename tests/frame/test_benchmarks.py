"""The benchmark harness: its arithmetic, and that every threshold is about something that is measured."""

import ast
from pathlib import Path

import pytest
from benchmarks.samples import Samples
from benchmarks.verdicts import Threshold, thresholds

SOURCES = Path(__file__).parent.parent.parent / "benchmarks"


def test_quantiles_are_values_that_were_measured() -> None:
    samples = Samples(name="x", values=[float(number) for number in range(1, 101)])
    assert (samples.quantile(0.5), samples.quantile(0.99), samples.quantile(1.0)) == (50.0, 99.0, 100.0)


def test_a_block_that_raises_is_not_measured() -> None:
    samples = Samples(name="x")
    with pytest.raises(RuntimeError), samples.timing():
        raise RuntimeError
    assert samples.values == []


def test_threshold_over_a_floor_subtracts_its_median() -> None:
    measured = {"a": Samples(name="a", floor="b", values=[7.0]), "b": Samples(name="b", values=[3.0])}
    assert Threshold(of="a", says="it", at=0.5, over=True, at_most=4.0).holds(measured)
    assert not Threshold(of="a", says="it", at=0.5, at_most=6.9).holds(measured)
    assert not Threshold(of="a", says="it", at=0.5, at_least=8.0).holds(measured)


def test_every_threshold_names_measurements_that_exist() -> None:
    trees = [ast.parse(path.read_text()) for path in SOURCES.glob("*.py")]
    texts = {node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    texts |= {"50 at once: successes"}  # its number is a constant of its own
    assert set(thresholds()) <= texts


def test_worst_is_the_slowest_time_and_the_lowest_rate() -> None:
    values = [float(number) for number in range(1, 101)]
    assert Samples(name="x", values=values).worst() == 99.0
    assert Samples(name="x", values=values, more_is_better=True).worst() == 1.0
