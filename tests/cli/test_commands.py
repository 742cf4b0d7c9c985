"""The tree of commands: complete, quick to load, and helpful to those who mistype."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.environment import clean_environment
from typer.main import get_command

from cove.cli.program import program

HEAVY = ("rich.console", "httpx2", "litestar", "uvicorn", "sqlalchemy", "cove.sdk", "cove.server", "asyncio")


def paths(command: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command of the tree, by the words that name it."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return [path]
    return [found for name, child in inner.items() for found in paths(child, (*path, name))]


EVERY = paths(get_command(program))


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "cove", *words]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run(command, env=clean_environment(), text=True, timeout=100, check=False, **pipes)


def test_the_tree_is_the_documented_one() -> None:
    sessions = {"list", "create", "show", "exec", "shell", "terminals"}
    sessions |= {"pause", "resume", "delete", "link", "links", "unlink"}
    files = {"ls", "get", "put", "rm", "mkdir", "mv"}
    assert {" ".join(path) for path in EVERY} == {
        *("up", "status", "top", "stop", "logs", "demo", "doctor"),
        *(f"session {name}" for name in sessions),
        *(f"session files {name}" for name in files),
        *("net show", "net set", "net log"),
        *("key list", "key create", "key rotate", "key revoke"),
        *("quota list", "quota set", "quota clear"),
    }


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_help_and_takes_json(path: tuple[str, ...]) -> None:
    command = get_command(program)
    for word in path:
        command = command.commands[word]  # type: ignore[attr-defined] - a group, until the last word
    assert command.help
    assert any("--json" in parameter.opts for parameter in command.params)


def test_help_loads_nothing_heavy() -> None:
    script = f"""
import sys
sys.argv = ["cove", "--help"]
from cove.cli import main
try:
    main()
finally:
    print(*[name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=100, check=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    "words", [("nonsense",), ("session", "exec"), ("up", "--port", "many"), ("session", "nonsense")]
)
def test_wrong_usage_is_told_with_exit_code_2(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_the_packages() -> None:
    from cove.core.version import __version__

    assert run("--version").stdout.strip() == __version__


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("up", "--link-port", "70000"), "link_port = 70000 is not valid"),
        (("up", "--link-url", "https://links.example.org"), "give https://*.DOMAIN"),
        (("up", "--host", "example.org"), "host = 'example.org' is not valid"),
        (("up", "--port", "70000"), "port = 70000 is not valid"),
        (("up", "--allow", "https://a.example/"), "allow = 'https://a.example/' is not valid"),
        (("up", "--data", "/" + "long/" * 30), "choose a shorter path"),
        (("up", "--data", "/dev/null/cove"), "Not a directory"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_sentence(words: tuple[str, ...], sentence: str) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("cove: ")
    assert done.stderr.count("\n") == 1


def test_doctor_tells_what_it_found_as_json(tmp_path: Path) -> None:
    import msgspec

    done = run("doctor", "--json", "--data", str(tmp_path))
    told = msgspec.json.decode(done.stdout)
    assert done.returncode == (0 if told["able"] else 1)
    assert {"kernel", "freezer", "seccomp", "redirect"} <= {finding["name"] for finding in told["findings"]}
