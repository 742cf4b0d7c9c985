"""The doctor's probes: they find, they end, and they leave nothing behind."""

import os
import select
from pathlib import Path

import msgspec
import pytest
from tests.waiting import until
from tests.world import hierarchies, loops_below

from cove.node.children import in_child
from cove.node.probes import PROBES, Probe, probe, probe_all, probes_for
from cove.node.questions import Lacking


def _lack(_: Path) -> str:
    raise Lacking("it is not there", "apt-get install it")


def _with_its_name_told(one: Probe, names: Path) -> Probe:
    """The same probe, that writes down what its groups would be called: others ask this machine, too."""

    def ask(scratch: Path) -> str:
        with names.open("a") as file:
            file.write(f"cove-{scratch.name}\n")
        return one.ask(scratch)

    return msgspec.structs.replace(one, ask=ask)


def test_every_probe_answers_and_says_how_to_get_what_is_missing(tmp_path: Path) -> None:
    findings = probe_all(tmp_path)
    assert [finding.name for finding in findings] == [one.name for one in PROBES]
    assert all(finding.found for finding in findings)
    assert all(bool(finding.unlock) is not finding.ok for finding in findings)


def test_probes_leave_nothing_behind(tmp_path: Path) -> None:
    data, names = tmp_path / "data", tmp_path / "names"
    data.mkdir()
    for one in probes_for(os.geteuid()):
        assert probe(_with_its_name_told(one, names), data).found
    assert list(data.iterdir()) == []
    told = names.read_text().split()
    assert len(told) == len(probes_for(os.geteuid()))
    assert not [root / name for root in hierarchies() for name in told if (root / name).exists()]
    until(lambda: not loops_below(data), "no loop device is left")


def test_a_lack_is_a_finding_with_its_remedy(tmp_path: Path) -> None:
    found = probe(Probe(name="it", gives="joy", ask=_lack, unlock="pray"), tmp_path)
    assert (found.ok, found.found, found.unlock) == (False, "it is not there", "apt-get install it")


def test_a_probe_of_a_data_directory_that_is_not_there_asks_its_parent(tmp_path: Path) -> None:
    found = probe(Probe(name="where", gives="a place", ask=str, unlock=""), tmp_path / "a/b")
    assert found.found.startswith(str(tmp_path))


@pytest.mark.parametrize("seconds", [0, 0.001, 0.01, 0.5])
def test_a_child_that_does_not_end_is_ended_with_all_it_started(seconds: float) -> None:
    reader, writer = os.pipe()

    def linger() -> dict[str, object]:
        os.fork()
        return {"never": os.read(reader, 1)}

    assert in_child(linger, seconds=seconds) is None
    os.close(reader)
    watched = select.poll()
    watched.register(writer, 0)
    until(lambda: watched.poll(0) == [(writer, select.POLLERR)], "nobody holds the other end")
    os.close(writer)


def test_a_child_that_crashes_gives_nothing() -> None:
    assert in_child(lambda: os._exit(3), seconds=20) is None


@pytest.mark.parametrize("value", [{"a": 1}, {"b": ["x", None, True]}])
def test_a_childs_answer_comes_back_as_it_is(value: dict[str, object]) -> None:
    assert in_child(lambda: value, seconds=20) == value
