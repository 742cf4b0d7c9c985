"""Editing text: all replacements or none, and a unified diff of what they do."""

from cove.core.results import Edited
from cove.guest.contents import MOST_BYTES, overwrite, read_text
from cove.guest.failures import failed
from cove.guest.places import Place

MOST_DIFF = 256 * 1024
"""Characters of a diff; the rest is left out."""
_MOST_COMPARED = 20_000
"""Lines of a file whose diff is made: its cost grows with their square at worst."""


def apply_edits(place: Place, pairs: list[tuple[str, str]], *, dry_run: bool) -> Edited:
    """Replace the first match of each pair's old text, one pair after the other; raises ToolFailed EditNotFound."""
    content = read_text(place, 0, 0)
    if content.truncated:
        raise failed(
            "TooLarge", f"{place.shown!r} has {content.size} bytes; files of at most {MOST_BYTES} can be edited"
        )
    text = content.content
    for number, (old, new) in enumerate(pairs, 1):
        if old not in text:
            raise failed(
                "EditNotFound", f"edit {number}: {old[:80]!r} does not stand in {place.shown!r}; nothing was changed"
            )
        text = text.replace(old, new, 1)
    if not dry_run and text != content.content:
        overwrite(place, text.encode())
    diff = unified(place.shown, content.content, text)
    return Edited(path=place.shown, replacements=len(pairs), diff=diff, dry_run=dry_run)


def unified(path: str, before: str, after: str) -> str:
    """A unified diff of two texts, cut at MOST_DIFF characters; empty for very long files."""
    from difflib import unified_diff  # named in the tool's `imports`

    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if max(len(old), len(new)) > _MOST_COMPARED:
        return ""
    lines = unified_diff(old, new, path, path)
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)[:MOST_DIFF]
