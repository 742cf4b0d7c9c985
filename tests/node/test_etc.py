"""A host's /etc while the host lives on: what is copied, and what tells that it has changed."""

from pathlib import Path

import pytest
from tests.node.churning import churning

from cove.node.images.etc import copy_etc, etc_facts


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    place = tmp_path / "etc"
    for name in ("apt/sources.d/main", "skel/.bashrc", "motd"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(name)
    return place


def test_host_that_removes_files_meanwhile_is_copied_and_told_of(etc: Path, tmp_path: Path) -> None:
    lasting = set(etc_facts(etc))
    with churning(etc):
        for number in range(300):
            copied = tmp_path / str(number)
            copy_etc(etc, copied)
            assert (copied / "apt/sources.d/main").read_text() == "apt/sources.d/main"
            assert lasting <= set(etc_facts(etc))


@pytest.mark.parametrize("change", ["motd", "skel/.bashrc", "new", "directory", "link", "mode"])
def test_each_change_is_told(etc: Path, change: str) -> None:
    (etc / "link").symlink_to("skel")
    before = list(etc_facts(etc))
    if change == "directory":
        (etc / change).mkdir()
    elif change == "link":
        (etc / change).unlink()
        (etc / change).symlink_to("apt")
    elif change == "mode":
        (etc / "skel").chmod(0o700)
    else:
        (etc / change).write_text("changed")
    assert list(etc_facts(etc)) != before
    assert list(etc_facts(etc)) == list(etc_facts(etc))
