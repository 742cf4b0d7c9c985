"""A sandbox's trees are removed whole and measured truly, whatever they are like, and nothing outside is touched."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.world import descriptors

from cove.node.launcher.trees import BEYOND_MEASURE, measure_tree, remove_tree

DEPTH = 3000
NAME = "d" * 60


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty directory, beside which we are; what a failed test leaves in it is too deep for pytest."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "disk").mkdir()
    yield tmp_path / "disk"
    subprocess.run(["rm", "-rf", tmp_path / "disk"], check=True)


def write(path: Path, size: int) -> None:
    """Bytes that are on the disk, and that no file system makes fewer of."""
    with path.open("wb") as file:
        file.write(os.urandom(size))
        file.flush()
        os.fsync(file.fileno())


def dig(place: Path, *, beside: bool) -> None:
    """A tree that no path reaches the ground of; with `beside`, each level has something else to look into."""
    directory = os.open(place, os.O_RDONLY)
    for level in range(DEPTH):
        os.mkdir(NAME, dir_fd=directory)
        if beside:
            os.mkdir(f"a{level}", dir_fd=directory)
            os.mkdir(f"z{level}", dir_fd=directory)
        below = os.open(NAME, os.O_RDONLY, dir_fd=directory)
        os.close(directory)
        directory = below
    os.close(directory)


def test_deep_tree_is_measured_and_removed(disk: Path) -> None:
    dig(disk, beside=False)
    write(disk / "file", 100_000)
    stored, files = measure_tree("disk")
    assert files == DEPTH + 1
    assert stored >= 100_000
    remove_tree("disk")
    assert not disk.exists()


def test_deep_tree_with_more_on_each_level_is_beyond_measure_and_removed(disk: Path) -> None:
    dig(disk, beside=True)
    before = descriptors(os.getpid())
    assert measure_tree("disk")[1] == BEYOND_MEASURE
    assert not descriptors(os.getpid()) - before
    remove_tree("disk")
    assert not disk.exists()


def test_links_are_neither_followed_nor_counted(disk: Path) -> None:
    outside = disk.parent / "outside"
    outside.mkdir()
    write(outside / "kept", 1_000_000)
    (disk / "link").symlink_to(outside)
    (disk / "deep").mkdir()
    (disk / "deep/up").symlink_to("../..")
    assert measure_tree("disk")[0] < 100_000
    remove_tree("disk")
    assert (outside / "kept").exists()


def test_file_with_two_names_counts_once(disk: Path) -> None:
    write(disk / "one", 1_000_000)
    os.link(disk / "one", disk / "two")
    stored, files = measure_tree("disk")
    assert (files, 1_000_000 <= stored < 1_100_000) == (1, True)


def test_tree_that_is_gone_measures_nothing(disk: Path) -> None:
    disk.rmdir()
    assert measure_tree("disk") == (0, 0)
