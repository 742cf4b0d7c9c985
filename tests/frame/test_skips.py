"""A skip nobody allowed fails a CI run, and the list of allowed ones is honest."""

import fnmatch
import subprocess
import sys
import tomllib
from pathlib import Path

TESTS = Path(__file__).parent.parent
ONE_SKIP = "import pytest\ndef test_runs(): pass\n@pytest.mark.skip(reason='no such host')\ndef test_skips(): pass\n"


def run_suite(folder: Path, allowed: str, ci: bool) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text((TESTS / "conftest.py").read_text())
    (folder / "allowed_skips.toml").write_text(allowed)
    (folder / "test_it.py").write_text(ONE_SKIP)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:cove", "--rootdir", str(folder)]
    environment = {"PATH": "/usr/bin:/bin", **({"CI": "true"} if ci else {})}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )


def test_unlisted_skip_fails_a_ci_run(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "", ci=True)
    assert done.returncode == 1
    assert "SKIPPED WITHOUT LEAVE" in done.stdout
    assert "no such host" in done.stdout


def test_unlisted_skip_passes_where_a_person_runs(tmp_path: Path) -> None:
    assert run_suite(tmp_path, "", ci=False).returncode == 0


def test_listed_skip_passes_a_ci_run(tmp_path: Path) -> None:
    listed = '[[skip]]\ntest = "test_it.py::test_skips"\nreason = "shown here"\n'
    assert run_suite(tmp_path, listed, ci=True).returncode == 0


def test_each_allowed_skip_has_a_reason_and_names_a_test() -> None:
    skips = tomllib.loads((TESTS / "allowed_skips.toml").read_text()).get("skip", [])
    files = {path.relative_to(TESTS.parent).as_posix() for path in TESTS.rglob("test_*.py")}
    for skip in skips:
        assert skip["reason"].strip()
        assert any(fnmatch.fnmatchcase(file, skip["test"].split("::")[0]) for file in files), skip["test"]
