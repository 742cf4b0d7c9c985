"""Finding files by name."""

import os
import re
from fnmatch import translate

from cove.core.results import SearchMatches
from cove.guest.places import Place, readable
from cove.guest.trees import walk

MOST_MATCHES = 10_000
MOST_ENTRIES = 1_000_000
_ANY_DIRECTORIES = re.compile(r"(?<![^/])(?:\*\*/)+")
_MARK = "\0"
"""Stands for any directories meanwhile: no path has it."""


def search(top: Place, pattern: str, excluded: list[str]) -> SearchMatches:
    """Entries below `top` whose name fits the glob `pattern`, or holds it as it is.

    A pattern with "/" is for the path below `top`, and the first "**/" in it for any directories, or none. Names and
    paths that `excluded` globs fit are passed over, directories with all that is in them.
    """
    fits, passes = _matcher(pattern, in_part=True), [_matcher(glob, in_part=False) for glob in excluded]

    def is_excluded(relative: str, name: str) -> bool:
        return any(passed(relative, name) for passed in passes)

    matches: list[str] = []
    for seen, (relative, entry) in enumerate(walk(top.real, lambda path, name: not is_excluded(path, name))):
        if seen > MOST_ENTRIES or len(matches) >= MOST_MATCHES:
            return SearchMatches(matches=sorted(matches), truncated=True)
        if fits(relative, entry.name) and not is_excluded(relative, entry.name):
            matches.append(readable(os.path.join(top.shown, relative)))
    return SearchMatches(matches=sorted(matches))


class _matcher:  # noqa: N801 - used as the function it stands for
    def __init__(self, pattern: str, *, in_part: bool) -> None:
        self._on_path = "/" in pattern
        is_glob = any(sign in pattern for sign in "*?[")
        self._part = pattern if in_part and not is_glob else None
        self._matches = re.compile(_expression(pattern)).match

    def __call__(self, relative: str, name: str) -> bool:
        text = relative if self._on_path else name
        return self._part in text if self._part is not None else self._matches(text) is not None


def _expression(glob: str) -> str:
    """The regular expression of a glob, in which "*" passes "/", too; only the first "**/" may be nothing.

    >>> bool(re.match(_expression("a/**/*.py"), "a/b.py")), bool(re.match(_expression("a/**/*.py"), "a/b/c/d.py"))
    (True, True)
    """
    return translate(_ANY_DIRECTORIES.sub(_MARK, glob, count=1)).replace(_MARK, "(?:.*/)?")
