"""What lies below a directory, and how that differs from what lay there before."""

import os
import stat
from collections.abc import Iterable, Iterator

import msgspec

from cove.core.results import FileChange
from cove.guest.failures import failed, failed_by
from cove.guest.places import Place, readable
from cove.guest.trees import walk

MOST_ENTRIES = 100_000
"""Of one tree, and of all baselines together: the oldest baseline is forgotten first."""

Traces = dict[str, tuple[bool, int, int, int]]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """By path: whether it is a directory, and for files the modification time (ns), the size and the inode."""

    traces: Traces


def changes(before: Traces, now: Traces) -> list[FileChange]:
    """The difference by path: a new file is a `create` and a `modify`, a changed directory is told by what is in it.

    >>> [change.event_type for change in changes({}, {"/a": (False, 1, 2, 3)})]
    ['create', 'modify']
    """
    found = []
    for path in sorted(before.keys() | now.keys()):
        found += [
            _change(kind, path, now.get(path) or before[path]) for kind in _kinds(before.get(path), now.get(path))
        ]
    return found


def _kinds(before: tuple[bool, int, int, int] | None, now: tuple[bool, int, int, int] | None) -> list[str]:
    if now is None:
        return ["delete"]
    if before is None:
        return ["create"] if now[0] else ["create", "modify"]
    if before[0] != now[0]:
        return ["delete", *_kinds(None, now)]
    return [] if before == now else ["modify"]


def _change(kind: str, path: str, trace: tuple[bool, int, int, int]) -> FileChange:
    return FileChange(event_type=kind, path=path, path_type="directory" if trace[0] else "file")


def snapshot(top: Place, *, may_be_gone: bool) -> Snapshot:
    """Look at everything below `top` (links are not followed); raises ToolFailed."""
    try:
        is_directory = stat.S_ISDIR(os.lstat(top.real).st_mode)
        if is_directory:
            os.scandir(top.real).close()
    except OSError as error:
        if may_be_gone and isinstance(error, FileNotFoundError):
            return Snapshot(traces={})
        raise failed_by(error, top.shown) from error
    return _snapshot(top, _entries_below(top) if is_directory else [(top.shown, os.lstat(top.real))])


def _snapshot(top: Place, entries: Iterable[tuple[str, os.stat_result]]) -> Snapshot:
    traces: Traces = {}
    for shown, info in entries:
        is_directory = stat.S_ISDIR(info.st_mode)
        traces[readable(shown)] = (
            (True, 0, 0, 0) if is_directory else (False, info.st_mtime_ns, info.st_size, info.st_ino)
        )
        if len(traces) > MOST_ENTRIES:
            raise failed("TooLarge", f"{top.shown!r} holds more than {MOST_ENTRIES} entries; ask about a part of it")
    return Snapshot(traces=traces)


def _entries_below(top: Place) -> Iterator[tuple[str, os.stat_result]]:
    for relative, entry in walk(top.real):
        try:
            yield os.path.join(top.shown, relative), entry.stat(follow_symlinks=False)
        except OSError:
            continue  # gone in between
