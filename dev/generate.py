"""Makes the sync client from the async one: `python dev/generate.py`, or with `--check` only says whether they agree.

Four rules: drop `async`, drop `await`, rename, and the same in docstrings and comments. It works on tokens, so that
comments and layout survive; what these rules do not convert belongs into `cove/sdk/_twins.py`.
"""

import difflib
import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

SDK = Path(__file__).resolve().parent.parent / "src" / "cove" / "sdk"
SOURCE, TARGET = SDK / "_async", SDK / "_sync"
NAMES = {
    "_async": "_sync",
    "async_awaitable": "awaitable",
    "async_met": "met",
    "async_sleep": "sleep",
    "async_unhurried": "unhurried",
    "asynccontextmanager": "contextmanager",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
_WORD = re.compile(r"\b\w+\b")
_TEXT = ((re.compile(r"\basync (?=with|for|def)"), ""), (re.compile(r"\bawait (?=\w)"), ""))
_KEPT = re.compile(r"Async(?=[A-Z])")
NOTE = "# Generated from _async/{name} by dev/generate.py: change that, then run `python dev/generate.py`.\n"
FIRST_PARTY = 'lint.isort.known-first-party=["cove"]'
SYNC_INIT = '"""The client without waiting words: all of it is generated, never changed by hand."""\n'


def sync_name(name: str) -> str:
    """A name in the sync client: `AsyncSession` is `Session`.

    >>> sync_name("AsyncSession"), sync_name("pause_async")
    ('Session', 'pause_async')
    """
    return NAMES.get(name) or _KEPT.sub("", name)


def sync_text(text: str) -> str:
    """The same in prose, examples and annotations that are text."""
    for pattern, replacement in _TEXT:
        text = pattern.sub(replacement, text)
    return _WORD.sub(lambda match: sync_name(match[0]), text)


def sync_source(source: str) -> str:
    """A module of the sync client, not yet formatted."""
    lines = source.splitlines(keepends=True)
    edits = [edit for token in tokenize.generate_tokens(io.StringIO(source).readline) if (edit := _edit(token, lines))]
    for (row, column), (end_row, end_column), text in reversed(edits):
        before, after = lines[row - 1][:column], lines[end_row - 1][end_column:]
        lines[row - 1 : end_row] = [before + text + after]
    return "".join(lines)


Edit = tuple[tuple[int, int], tuple[int, int], str]


def _edit(token: tokenize.TokenInfo, lines: list[str]) -> Edit | None:
    (row, column), (end_row, end_column) = token.start, token.end
    if token.type == tokenize.NAME and token.string in ("async", "await"):
        rest = lines[end_row - 1][end_column:]
        return (row, column), (end_row, end_column + len(rest) - len(rest.lstrip(" "))), ""
    if token.type == tokenize.NAME:
        text = sync_name(token.string)
    elif token.type in (tokenize.STRING, tokenize.COMMENT):
        text = sync_text(token.string)
    else:
        return None
    return None if text == token.string else ((row, column), (end_row, end_column), text)


def generated(name: str, source: str) -> str:
    """A finished module of the sync client."""
    if name == "__init__.py":
        return SYNC_INIT
    first, _, rest = sync_source(source).partition("\n")
    text = first + "\n\n" + NOTE.format(name=name) + rest
    text = _ruff(["check", "--quiet", "--fix", "--exit-zero", "--config", FIRST_PARTY], name, text)
    return _ruff(["format", "--quiet"], name, text)


def _ruff(arguments: list[str], name: str, text: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", str(TARGET / name), "-"]
    done = subprocess.run(command, check=False, input=text, capture_output=True, text=True, cwd=SDK)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return done.stdout


def wanted() -> dict[Path, str]:
    """Every file of the sync client, with what shall stand in it."""
    return {TARGET / path.name: generated(path.name, path.read_text()) for path in sorted(SOURCE.glob("*.py"))}


def present() -> dict[Path, str]:
    """Every file of the sync client, with what stands in it."""
    return {path: path.read_text() for path in sorted(TARGET.glob("*.py"))}


def check() -> int:
    """Show how the sync client differs from what it shall be; 1 if it does."""
    old, new = present(), wanted()
    for path in sorted(old.keys() | new.keys()):
        before, after = old.get(path, ""), new.get(path, "")
        sys.stdout.writelines(
            difflib.unified_diff(before.splitlines(True), after.splitlines(True), str(path), "as generated")
        )
    return int(old != new)


def write() -> int:
    """Make the sync client."""
    TARGET.mkdir(exist_ok=True)
    files = wanted()
    for path in present().keys() - files.keys():
        path.unlink()
    for path, text in files.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(check() if sys.argv[1:] == ["--check"] else write())
