"""Every tool, error, setting, CLI verb and route stands in the reference, and the reference is what the code says."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from cove.app.settings import VARIABLES
from cove.cli.program import program
from cove.core.errors import CoveError
from cove.core.limits import Limits
from cove.guest.tools import catalogue

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


def tree(cls: type[CoveError]) -> list[str]:
    return [cls.__name__, *(name for child in cls.__subclasses__() for name in tree(child))]


def verbs(command: object, path: str) -> list[str]:
    children = getattr(command, "commands", {})
    return [path, *(verb for name, child in children.items() for verb in verbs(child, f"{path} {name}"))]


NAMES = [
    *(("tools.md", f"## `{tool.name}`") for tool in catalogue()),
    *(("errors.md", f"| `{name}` |") for name in tree(CoveError)),
    *(("settings.md", f"`{variable}`") for variable in VARIABLES.values()),
    *(("limits.md", f"`{name}`") for name in Limits.__struct_fields__),
    *(("cli.md", f"## `{verb}`") for verb in verbs(typer.main.get_command(program), "cove")),
]


@pytest.mark.parametrize(("page", "name"), NAMES, ids=[name for _, name in NAMES])
def test_reference_has_it(page: str, name: str) -> None:
    assert name in (REFERENCE / page).read_text()


def test_reference_is_what_the_code_says() -> None:
    command = [sys.executable, str(ROOT / "dev/reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "")
