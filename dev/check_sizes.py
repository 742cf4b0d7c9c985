"""Holds rule 1: files of at most 500 lines (300 wants a split), functions of at most 40.

What a seed or a wire document fixes may be longer and take more than six arguments: those functions stand by name in
dev/fixed_signatures.txt, and nothing else may switch the linter's argument limit off.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

FILE_WANTS_SPLIT, FILE_FAILS, FUNCTION_FAILS = 300, 500, 40
Function = ast.FunctionDef | ast.AsyncFunctionDef


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    total = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        total -= (first.end_lineno or first.lineno) - first.lineno + 1
    return total


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Every function with its qualified name, such as `Session.pause`."""

    def walk(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
        for child in ast.iter_child_nodes(node):
            inner = prefix
            if isinstance(child, Function | ast.ClassDef):
                inner = f"{prefix}{child.name}."
            if isinstance(child, Function):
                yield f"{prefix}{child.name}", child
            yield from walk(child, inner)

    yield from walk(tree, "")


def complaints(path: Path, source: str, fixed: frozenset[str]) -> Iterator[str]:
    """What breaks the rule in one file."""
    lines = source.splitlines()
    if len(lines) > FILE_FAILS:
        yield f"{path}: {len(lines)} lines, at most {FILE_FAILS}: split it"
    for name, function in functions(ast.parse(source)):
        if name in fixed:
            continue
        if length(function) > FUNCTION_FAILS:
            yield f"{path}:{function.lineno}: {name} has {length(function)} lines, at most {FUNCTION_FAILS}"
        header = "\n".join(lines[function.lineno - 1 : function.body[0].lineno])
        if "PLR0913" in header and path.parts[0] != "tests":
            yield f"{path}:{function.lineno}: {name} takes too many arguments and is not in dev/fixed_signatures.txt"


def main() -> int:
    """Check every Python file; says on standard output which files want a split."""
    from sources import ROOT, project_files

    listed = (ROOT / "dev/fixed_signatures.txt").read_text().splitlines()
    fixed = frozenset(line.split()[0] for line in listed if line and not line.startswith("#"))
    found: list[str] = []
    for path in project_files(".py"):
        source = (ROOT / path).read_text()
        found += complaints(path, source, fixed)
        if FILE_WANTS_SPLIT < len(source.splitlines()) <= FILE_FAILS:
            print(f"{path}: {len(source.splitlines())} lines want a split")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
