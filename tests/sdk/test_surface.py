"""The public surface: names, signatures, twins, and what importing costs."""

import ast
import inspect
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path
from typing import Any

import pytest

import cove
from cove.sdk import file_results, results

from .signatures import ALWAYS_WAITING, CLASSES, OURS, REQUIRED, SESSION_INFO, WITHOUT_WAITING

SDK = Path(results.__file__).parent
METHODS = [(place, name) for place, methods in CLASSES.items() for name in methods]


def class_of(place: str, prefix: str) -> Any:
    """The class at a place such as `Session.command`."""
    main, _, attribute = place.partition(".")
    cls = getattr(cove, prefix + main)
    if not attribute:
        return cls
    client = getattr(cove, prefix + ("AgentBay" if main == "Session" else "AGB"))(endpoint="http://127.0.0.1:9")
    return type(getattr(cls(client, "s-1"), attribute))


def signature_of(method: Any) -> dict[str, object]:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return {p.name: REQUIRED if p.default is p.empty else p.default for p in parameters}


@pytest.mark.parametrize("prefix", ["", "Async"])
@pytest.mark.parametrize(("place", "name"), METHODS)
def test_signatures_are_the_documents(place: str, name: str, prefix: str) -> None:
    method = getattr(class_of(place, prefix), name)
    found = signature_of(method)
    for extra in OURS.get(f"{place.partition('.')[2]}.{name}", ()):
        assert found.pop(extra) is None
    assert list(found.items()) == list(CLASSES[place][name].items())
    waits = inspect.iscoroutinefunction(method)
    assert waits == (name in ALWAYS_WAITING or (prefix == "Async" and name not in WITHOUT_WAITING))


def test_session_info_takes_what_the_documents_say() -> None:
    assert list(signature_of(cove.SessionInfo.__init__).items()) == list(SESSION_INFO.items())


def test_every_name_of_the_surface_is_there_and_no_other() -> None:
    assert sorted(cove.__all__) == sorted(set(cove.__all__))
    for name in cove.__all__:
        assert getattr(cove, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Sessions'"):
        _ = cove.Sessions
    assert set(cove.__all__) <= set(dir(cove))


def test_every_error_is_in_the_surface() -> None:
    def tree(cls: type) -> set[str]:
        return {cls.__name__}.union(
            *(tree(child) for child in cls.__subclasses__() if child.__module__ == cls.__module__)
        )

    assert tree(cove.CoveError) <= set(cove.__all__)


def test_every_result_is_in_the_surface_and_unwraps() -> None:
    classes = inspect.getmembers(results, inspect.isclass) + inspect.getmembers(file_results, inspect.isclass)
    found = [cls for _, cls in classes if issubclass(cls, results.Result)]
    for cls in set(found) - {results.Result}:
        assert cls.__name__ in cove.__all__
        with pytest.raises(cove.CoveError, match="why"):
            cls(error_message="why").unwrap()


def test_public_methods_have_docstrings() -> None:
    for place in CLASSES:
        for prefix in ("", "Async"):
            for name, method in inspect.getmembers(class_of(place, prefix), inspect.isfunction):
                assert name.startswith("_") or method.__doc__, f"{prefix}{place}.{name}"


def test_aliases_are_the_same_method() -> None:
    command, files = class_of("Session.command", ""), class_of("Session.file_system", "")
    assert command.run is command.exec is command.execute_command
    assert files.delete is files.remove is files.rm is files.delete_file
    assert files.list is files.ls is files.list_directory
    assert files.write is files.write_file
    session = cove.Session(cove.AgentBay(endpoint="http://127.0.0.1:9"), "s-1")
    assert session.fs is session.files is session.filesystem is session.file_system


def test_the_sync_client_is_as_generated() -> None:
    generate = Path(__file__).parents[2] / "dev" / "generate.py"
    done = subprocess.run([sys.executable, generate, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((SDK / "_sync").glob("*.py")), ids=lambda path: path.name)
def test_no_async_word_is_left_in_the_sync_client(path: Path) -> None:
    text = path.read_text()
    note = [line for line in text.splitlines() if line.startswith("# Generated from")]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.string in note or token.string in ("pause_async", "resume_async", "get_link_async"):
            continue
        assert "async" not in token.string.lower(), token
        assert "await" not in token.string.lower().replace("awaitable", ""), token


@pytest.mark.parametrize("path", sorted((SDK / "_async").glob("*.py")), ids=lambda path: path.name)
def test_the_async_client_names_no_event_loop(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")]
        assert not {str(name).partition(".")[0] for name in names} & {"asyncio", "anyio", "trio", "httpx2"}


def test_the_environment_is_read_in_one_module() -> None:
    readers = [path.name for path in SDK.rglob("*.py") if re.search(r"\benviron\b|getenv", path.read_text())]
    assert readers == ["_settings.py"]


def loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_importing_cove_loads_nothing() -> None:
    extra = loaded_by("import cove") - loaded_by("pass")
    assert {name for name in extra if not name.startswith("__editable__")} <= {"cove"}


def test_the_http_library_is_loaded_by_the_first_request() -> None:
    assert "httpx2" not in loaded_by("from cove import AgentBay, AsyncAgentBay; AgentBay(), AsyncAgentBay()")


def test_a_program_that_speaks_plain_http_loads_no_library_for_it() -> None:
    ask = "try: AgentBay(endpoint='unix:///nowhere').list()\nexcept ServerUnreachable: pass\nelse: 1/0"
    loaded = loaded_by(f"from cove import AgentBay, ServerUnreachable\n{ask}")
    assert not loaded & {"httpx2", "http.client", "ssl", "email"}


def test_a_local_client_loads_no_server() -> None:
    loaded = loaded_by("from cove import AgentBay; AgentBay()")
    heavy = {"litestar", "uvicorn", "sqlalchemy", "typer", "rich", "asyncio", "cove.server", "cove.node", "cove.app"}
    assert not loaded & heavy
