"""The name of what an image holds that somebody brought."""

import os
from pathlib import Path

import pytest

from cove.node.images.roots import root_fingerprint


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("bin/sh", "etc/motd", "var/lib/dpkg/status"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.mark.parametrize("changed", ["etc/motd", "var/lib/dpkg/status", "lib/apk/db/installed", "new"])
def test_other_packages_or_configuration_have_another_name(root: Path, changed: str) -> None:
    before = root_fingerprint(root)
    (root / changed).parent.mkdir(parents=True, exist_ok=True)
    (root / changed).write_text("changed")
    assert root_fingerprint(root) != before


def test_same_content_has_the_same_name_and_nothing_of_it_is_read(root: Path) -> None:
    os.mkfifo(root / "etc/never-written-to")
    (root / "var/lib/rpm").symlink_to("/no/such/place")
    assert root_fingerprint(root) == root_fingerprint(root)
    assert root_fingerprint(root).startswith("root-")


@pytest.mark.parametrize("missing", ["", "etc", "bin"])
def test_what_is_not_there_counts_as_nothing(tmp_path: Path, missing: str) -> None:
    assert root_fingerprint(tmp_path / missing).startswith("root-")
