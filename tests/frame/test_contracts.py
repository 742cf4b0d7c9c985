"""The shape of the house: parts are placed on purpose, checks find what they forbid, CI tests the built wheel."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import cove

ROOT = Path(__file__).parent.parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "dev" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def complaints(check: str, path: str, text: str, *more: object) -> list[str]:
    return list(load(check).complaints(Path(path), text, *more))


def layers() -> Iterator[str]:
    contract = next(each for each in PYPROJECT["tool"]["importlinter"]["contracts"] if each["id"] == "layers")
    for layer in contract["layers"]:
        yield from (name.strip(" ()") for name in layer.split("|"))


def test_every_top_level_package_is_placed_in_a_layer() -> None:
    packages = {path.parent.name for path in (ROOT / "src/cove").glob("*/__init__.py")}
    assert packages <= set(layers())


def test_a_package_placed_nowhere_breaks_the_contract(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    for name in ("core", "guest", "attic"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    (folder / "__init__.py").touch()
    contract = "type=layers\nname=x\ncontainers=house\nexhaustive=true\nlayers=\n  guest\n  core\n"
    (tmp_path / ".importlinter").write_text(
        f"[importlinter]\nroot_package=house\n[importlinter:contract:1]\n{contract}"
    )
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "attic" in done.stdout


def test_long_function_is_found() -> None:
    body = "    x = 1\n" * 41
    assert "40" in complaints("check_sizes", "a.py", f"def long():\n{body}", frozenset())[0]
    assert not complaints("check_sizes", "a.py", f"def long():\n{body}", frozenset({"long"}))


def test_long_file_is_found() -> None:
    assert complaints("check_sizes", "a.py", "x = 1\n" * 501, frozenset())
    assert not complaints("check_sizes", "a.py", "x = 1\n" * 500, frozenset())


def test_argument_limit_is_lifted_only_for_listed_signatures() -> None:
    source = "class A:\n    def f(  # noqa: PLR0913 - fixed\n        self,\n    ):\n        pass\n"
    assert complaints("check_sizes", "a.py", source, frozenset())
    assert not complaints("check_sizes", "a.py", source, frozenset({"A.f"}))


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("src/cove/utils.py", '"""A sentence."""\n'),
        ("src/cove/x.py", '"""No sentence"""\n'),
        ("src/cove/x.py", '"""A sentence."""\n__all__ = ["y"]\n'),
        ("src/cove/x.py", '"""A sentence."""\nimport os\nos.environ["A"]\n'),
        ("src/cove/x.py", '"""A sentence."""\nimport os\nos.getenv("A")\n'),
    ],
)
def test_word_rules_find_what_they_forbid(path: str, source: str) -> None:
    assert complaints("check_words", path, source)


@pytest.mark.parametrize("path", ["src/cove/sdk/_settings.py", "src/cove/app/settings.py"])
def test_settings_modules_may_read_the_environment(path: str) -> None:
    assert not complaints("check_words", path, '"""A sentence."""\nimport os\nos.environ["A"]\n')


@pytest.mark.parametrize(
    "line", ["see https:" + "//evil.io/x", "/wo" + "rk/here", "files.python" + "hosted.org", "/ho" + "me/ann/x"]
)
def test_hosts_and_machine_paths_are_found(line: str) -> None:
    assert complaints("check_hosts", "a.md", line)


@pytest.mark.parametrize(
    "line", ["http://example.com/x", "http://127.0.0.1:80", "http://[::1]:8/", "/home/wuying/x", "http://{host}/"]
)
def test_reserved_hosts_are_allowed(line: str) -> None:
    assert not complaints("check_hosts", "a.md", line)


def test_lock_has_a_hash_for_every_package_and_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert lock.count("==") <= lock.count("--hash=sha256:")
    assert "://" not in lock


def test_lock_has_every_direct_dependency() -> None:
    project, lock = PYPROJECT["project"], (ROOT / "requirements.lock").read_text()
    for requirement in project["dependencies"] + PYPROJECT["dependency-groups"]["dev"]:
        name = requirement.split(">")[0].split("[")[0]
        assert f"\n{name}==" in "\n" + lock or f"\n{name}[" in "\n" + lock, name


@pytest.mark.skipif(not os.environ.get("CI"), reason="people test their working copy")
def test_ci_tests_the_built_wheel() -> None:
    assert ROOT / "src" not in Path(cove.__file__).parents


def test_wheel_declares_its_types() -> None:
    assert (Path(cove.__file__).parent / "py.typed").exists()
