"""The files family: reading, writing, listing, moving, deleting and watching files with the rights of the user."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from cove.core.results import (
    DirectoryListing,
    Edited,
    FileChanges,
    FileContent,
    FileContents,
    FileInfo,
    PathDone,
    SearchMatches,
    Written,
)
from cove.guest import changes, contents, directories, searches
from cove.guest.edits import apply_edits
from cove.guest.run import Run
from cove.guest.toolkit import tool
from cove.guest.workers import result_as_user

Path = Annotated[str, Meta(description="absolute, or relative to the home directory")]
Format = Annotated[Literal["text", "binary"], Meta(description="UTF-8 text, or bytes as base64")]
Globs = Annotated[
    Annotated[str, Meta(max_length=65536)]
    | Annotated[list[Annotated[str, Meta(max_length=4096)]], Meta(max_length=1024)],
    Meta(description="globs: with commas between them, as AgentBay's client sends them, or a list, as AGB's does"),
]

_SERVER = "wuying_filesystem"
_EXAMPLE = "/tmp/example/hello.txt"  # noqa: S108 - a path inside a sandbox


class Edit(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One replacement: the first place where `oldText` stands becomes `newText`."""

    old_text: Annotated[str, Meta(min_length=1)]
    new_text: str


@tool(server=_SERVER, example={"path": "/tmp/example"}, as_user=True)  # noqa: S108
def create_directory(run: Run, *, path: Path) -> PathDone:
    """Make a directory, and its parents; that it exists already is no failure."""
    return directories.create(run.place(path))


@tool(server=_SERVER, example={"path": _EXAMPLE, "content": "hello\n"}, as_user=True)
def write_file(
    run: Run,
    *,
    path: Path,
    content: str,
    mode: Literal["overwrite", "append"] = "overwrite",
    format: Format = "text",  # noqa: A002 - the wire's name
) -> Written:
    """Write a file; missing parents are made. When the disk is full, the old content stays."""
    place, data = run.place(path), contents.decoded(content, format)
    contents.make_parents(place)
    (contents.append if mode == "append" else contents.overwrite)(place, data)
    return Written(path=place.shown, bytes_written=len(data))


@tool(server=_SERVER, example={"path": _EXAMPLE}, as_user=True)
def read_file(
    run: Run,
    *,
    path: Path,
    offset: Annotated[int, Meta(ge=0, le=1 << 62, description="bytes")] = 0,
    length: Annotated[int, Meta(ge=0, le=1 << 62, description="bytes; 0 means to the end")] = 0,
    format: Format = "text",  # noqa: A002 - the wire's name
) -> FileContent:
    """Read a file or a stretch of it, at most 32 MiB at once: then `truncated` is set.

    Text stretches are cut by bytes, and a character belongs to the stretch that holds its first byte, so that
    stretches put together give the whole.
    """
    read = contents.read_text if format == "text" else contents.read_binary
    return read(run.place(path), offset, length)


@tool(server=_SERVER, example={"paths": [_EXAMPLE]}, as_user=True)
def read_multiple_files(run: Run, *, paths: Annotated[list[Path], Meta(max_length=1000)]) -> FileContents:
    """Read several text files at once; one that cannot be read says why, the others are read all the same."""
    files, left = [], contents.MOST_BYTES
    for path in paths:
        files.append(contents.read_named(run.settings, path, left))
        left -= len(files[-1].content.encode())
    return FileContents(files=files)


@tool(
    server=_SERVER,
    example={"path": _EXAMPLE, "edits": [{"oldText": "hello", "newText": "hi"}]},
    as_user=True,
    imports=("difflib",),
)
def edit_file(
    run: Run,
    *,
    path: Path,
    edits: Annotated[list[Edit], Meta(max_length=1000)],
    dryRun: bool = False,  # noqa: N803 - the wire's name
) -> Edited:
    """Replace text in a file, each edit its first match; all of them, or none. Gives a unified diff."""
    pairs = [(edit.old_text, edit.new_text) for edit in edits]
    return apply_edits(run.place(path), pairs, dry_run=dryRun)


@tool(server=_SERVER, example={"path": _EXAMPLE}, as_user=True)
def get_file_info(run: Run, *, path: Path) -> FileInfo:
    """Describe a file or directory: kind, size, permissions, owner and times. Links are followed."""
    return directories.describe(run.place(path))


@tool(server=_SERVER, example={"path": "/tmp"}, as_user=True)  # noqa: S108
def list_directory(run: Run, *, path: Path) -> DirectoryListing:
    """List a directory's entries by name, at most 20,000: then `truncated` is set."""
    return directories.listing(run.place(path))


@tool(server=_SERVER, example={"path": "/tmp/example", "pattern": "*.txt"}, as_user=True)  # noqa: S108
def search_files(
    run: Run,
    *,
    path: Path,
    pattern: Annotated[str, Meta(min_length=1, max_length=4096, description="a glob for the name, or a part of it")],
    excludePatterns: Globs = "",  # noqa: N803 - the wire's name
) -> SearchMatches:
    """Find files and directories below a directory by name; a pattern with "/" is for the path below it."""
    globs = excludePatterns.split(",") if isinstance(excludePatterns, str) else excludePatterns
    excluded = [glob.strip() for glob in globs if glob.strip()]
    return searches.search(directories.checked(run.place(path)), pattern, excluded)


@tool(server=_SERVER, example={"path": "/tmp/example"})  # noqa: S108
def get_file_change(run: Run, *, path: Path) -> FileChanges:
    """Tell what changed below a path since the last time it was asked about; the first time nothing is told.

    A new file is a `create` and a `modify`.
    """
    place = run.place(path)
    run.baselines.settle(place.shown)
    known = run.baselines.knows(place.shown)
    now = result_as_user(run.settings, run.cancel, lambda: changes.snapshot(place, may_be_gone=known), changes.Snapshot)
    return FileChanges(events=run.baselines.advance(place.shown, now.traces))


@tool(
    server=_SERVER,
    example={"source": _EXAMPLE, "destination": "/tmp/example/moved.txt"},  # noqa: S108
    as_user=True,
    imports=("shutil",),
)
def move_file(run: Run, *, source: Path, destination: Path) -> PathDone:
    """Move or rename a file or directory. What exists at the destination is never replaced."""
    return directories.move(run.place(source), run.place(destination))


@tool(server=_SERVER, example={"path": "/tmp/example/moved.txt"}, as_user=True)  # noqa: S108
def delete_file(run: Run, *, path: Path) -> PathDone:
    """Delete a file, or a directory with everything in it. A link is deleted, not what it leads to."""
    return directories.delete(run.place(path))
