"""What the root documents name is there: functions, modules, files, claims and the tests that attack them."""

import importlib
import re
from functools import reduce
from pathlib import Path

import pytest
from tests.isolation.claims import CLAIMS

from .blocks import ROOT

CALL = re.findall(r"^\| `(cove\.[\w.]+)` \| `([\w.]+)` \|", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE)
CLAIM_ROWS = re.findall(r"^\| `([\w-]+)` \| .*? \| (.*?) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
PLACES = ("src/cove/", "tests/", "dev/", "core/", "server/", "guest/", "node/", "compat/", "cove/")


def named_files(page: str) -> list[str]:
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    names = re.findall(r"`([\w./-]+\.(?:py|toml|txt|md))`", text)
    return [name for name in names if name.startswith(PLACES)]


def exists(name: str) -> bool:
    return any((ROOT / root / name).exists() for root in (".", "src/cove", "src"))


def test_the_way_of_a_tool_call_is_told_from_end_to_end() -> None:
    assert len(CALL) > 15


@pytest.mark.parametrize(("module", "function"), CALL, ids=[function for _, function in CALL])
def test_function_of_the_way_exists(module: str, function: str) -> None:
    assert callable(reduce(getattr, function.split("."), importlib.import_module(module)))


@pytest.mark.parametrize(
    ("page", "name"), [(page, name) for page in ("ARCHITECTURE.md", "CONTRIBUTING.md") for name in named_files(page)]
)
def test_file_that_a_page_names_exists(page: str, name: str) -> None:
    assert exists(name), f"{page} names {name}"


def test_every_claim_stands_in_security_md() -> None:
    assert [name for name, _ in CLAIM_ROWS] == [claim.id for claim in CLAIMS]


@pytest.mark.parametrize(("claim", "places"), CLAIM_ROWS, ids=[name for name, _ in CLAIM_ROWS])
def test_every_claim_names_a_test_that_attacks_it(claim: str, places: str) -> None:
    files = re.findall(r"`(.*?)`", places)
    assert files, f"nothing attacks {claim!r}"
    for file in files:
        text = Path(ROOT, file).read_text()
        assert f'claim("{claim}")' in text or "import ATTACKS" in text
