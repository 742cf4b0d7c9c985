"""What `make` says where it cannot set itself up: one sentence with the remedy, and no work half done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).parents[2] / "dev" / "bootstrap.sh"
MISSING = "some-package   no-such-program   a reason\n"
TOOLS = ("sh", "cat", "cksum", "dirname", "find")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with the few programs that every Unix has, an `id` that says we are not root, and a copy of dev/."""
    (tmp_path / "dev").mkdir()
    shutil.copy(BOOTSTRAP, tmp_path / "dev")
    (tmp_path / "dev" / "system-packages.txt").write_text(MISSING)
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    write_program(tmp_path / "id", "echo 1000")
    return tmp_path


def write_program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def bootstrap(programs: Path) -> str:
    command = [str(programs / "sh"), str(programs / "dev" / "bootstrap.sh"), "editable"]
    environment = {"PATH": str(programs), "HOME": os.environ.get("HOME", "/")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 1
    return done.stderr


def test_machine_without_python_is_told_which_one_to_install(programs: Path) -> None:
    write_program(programs / "python3", "exit 1")
    assert "needs Python 3.11 or newer" in bootstrap(programs)


def test_debian_without_root_is_told_the_exact_command(programs: Path) -> None:
    (programs / "python3").symlink_to(sys.executable)
    write_program(programs / "apt-get", "echo must not be called; exit 1")
    said = bootstrap(programs)
    assert "sudo apt-get install -y some-package" in said
    assert "must not be called" not in said


def test_other_systems_are_told_what_to_install(programs: Path) -> None:
    (programs / "python3").symlink_to(sys.executable)
    assert "install them with your package manager" in bootstrap(programs)
