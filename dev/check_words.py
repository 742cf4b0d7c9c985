"""Holds rules 2, 3 and 6: module names, the sentence on a first line, `__all__`, and who reads the environment."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

EMPTY_NAMES = frozenset({"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"})

ENVIRONMENT_READERS = {
    "src/cove/cli/story/stage.py": "it starts a server, and leaves our variables out of its environment",
    "src/cove/node/images/host.py": "it describes the machine, whose environment is part of what it describes",
}


def _reads_environment(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and node.attr in ("environ", "environb", "getenv")
    )


def complaints(path: Path, source: str) -> Iterator[str]:
    """What breaks the rules in one module of the package."""
    tree = ast.parse(source)
    if EMPTY_NAMES & set(path.with_suffix("").parts):
        yield f"{path}: the name says nothing; name the idea"
    sentence = (ast.get_docstring(tree) or "").split("\n\n")[0]
    if not sentence.rstrip().endswith((".", ":", "!", "?")):
        yield f"{path}:1: the module's first line is a sentence that says what is here"
    for node in ast.walk(tree):
        names = [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]
        if "__all__" in names and path.name != "__init__.py":
            yield f"{path}:{getattr(node, 'lineno', 0)}: __all__ belongs to packages only"
        may_read = path.stem.strip("_").endswith("settings") or path.as_posix() in ENVIRONMENT_READERS
        if _reads_environment(node) and not may_read:
            yield f"{path}:{getattr(node, 'lineno', 0)}: the environment is read in settings.py only"


def main() -> int:
    """Check every module of the package."""
    from sources import ROOT, project_files

    modules = [path for path in project_files(".py") if path.parts[:2] == ("src", "cove")]
    found = [complaint for path in modules for complaint in complaints(path, (ROOT / path).read_text())]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
