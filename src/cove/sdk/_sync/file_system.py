"""Files of a session."""

# Generated from _async/file_system.py by dev/generate.py: change that, then run `python dev/generate.py`.

import base64
from collections.abc import Sequence
from typing import Literal, overload

from cove.core.errors import InvalidInput, ToolFailed
from cove.core.results import (
    DirectoryListing,
    FileChanges,
    FileContent,
    FileContents,
    FileInfo,
    SearchMatches,
)
from cove.sdk._sync.calls import ToolCalls
from cove.sdk._wire.messages import Answer, Nothing
from cove.sdk.file_results import (
    BinaryFileContentResult,
    DirectoryListResult,
    FileChangeEvent,
    FileChangeResult,
    FileContentResult,
    FileInfoResult,
    FileSearchResult,
    MultipleFileContentResult,
    official_file_info,
)
from cove.sdk.results import BoolResult

Edits = Sequence[dict[str, str]]
Names = Sequence[str]
PIECE = 8 * 1024 * 1024
"""Bytes or characters that one request writes: even where JSON spells each character with six, a server takes it."""


class FileSystem:
    """Reads and writes files. Paths are absolute, or relative to the home; times are UTC epoch seconds."""

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    def create_directory(self, path: str) -> BoolResult:
        """Make a directory, with those above it."""
        return self._do("create_directory", path=path)

    def delete_file(self, path: str) -> BoolResult:
        """Delete a file, or a directory with all that is in it."""
        return self._do("delete_file", path=path)

    def edit_file(self, path: str, edits: Edits, dry_run: bool = False) -> BoolResult:
        """Replace text: each of `edits` is `{"oldText": …, "newText": …}` and replaces the first match."""
        return self._do("edit_file", path=path, edits=list(edits), dryRun=dry_run)

    def move_file(self, source: str, destination: str) -> BoolResult:
        """Move or rename."""
        return self._do("move_file", source=source, destination=destination)

    def write_file(self, path: str, content: str | bytes, mode: str = "overwrite") -> BoolResult:
        """Write text or bytes, in pieces of 8 MiB where there is more. `mode` is "overwrite" or "append"."""
        if not isinstance(content, str | bytes):
            raise InvalidInput(name="content", value=type(content).__name__, remedy="give text or bytes")
        result = self._write(path, content[:PIECE], mode)
        for start in range(PIECE, len(content), PIECE):
            if not result.success:
                break
            result = self._write(path, content[start : start + PIECE], "append")
        return result

    def _write(self, path: str, content: str | bytes, mode: str) -> BoolResult:
        if isinstance(content, str):
            return self._do("write_file", path=path, content=content, mode=mode)
        text = base64.b64encode(content).decode()
        return self._do("write_file", path=path, content=text, mode=mode, format="binary")

    def _do(self, tool: str, **arguments: object) -> BoolResult:
        answer = self._calls.typed(tool, arguments, Nothing)
        return BoolResult(**answer.facts(), data=answer.error is None)

    @overload
    def read_file(self, path: str, *, format: Literal["text"] = "text") -> FileContentResult: ...

    @overload
    def read_file(self, path: str, *, format: Literal["bytes", "binary"]) -> BinaryFileContentResult: ...

    def read_file(self, path: str, *, format: str = "text") -> FileContentResult | BinaryFileContentResult:  # noqa: A002
        """A whole file: as text, or as bytes with `format="bytes"`. A file that is not UTF-8 is refused as text."""
        if format == "text":
            answer, content = self._read_all(path, "text")
            return FileContentResult(**answer.facts(), content=content.decode())
        return self.read_binary(path, format)

    def read_binary(self, path: str, format: str = "bytes") -> BinaryFileContentResult:  # noqa: A002
        """A whole file's bytes."""
        if format not in ("bytes", "binary"):
            raise InvalidInput(name="format", value=format, remedy='give "text" or "bytes"')
        answer, content = self._read_all(path, "binary")
        return BinaryFileContentResult(**answer.facts(), content=content, size=len(content))

    def _read_all(self, path: str, form: str) -> tuple[Answer[FileContent], bytes]:
        content = bytearray()
        while True:
            arguments = {"path": path, "offset": len(content), "format": form}
            answer = self._calls.typed("read_file", arguments, FileContent)
            if answer.error is not None:
                return answer, b""
            piece = answer.get()
            stretch = base64.b64decode(piece.content) if piece.encoding == "base64" else piece.content.encode()
            content += stretch
            if not piece.truncated or not stretch:
                return answer, bytes(content)

    def read(self, path: str) -> FileContentResult:
        """A whole file's text."""
        return self.read_file(path)

    def get_file_info(self, path: str) -> FileInfoResult:
        """Facts about a file or directory."""
        answer = self._calls.typed("get_file_info", {"path": path}, FileInfo)
        if answer.error is not None:
            return FileInfoResult(**answer.facts())
        info = answer.get()
        return FileInfoResult(**answer.facts(), info=info, file_info=official_file_info(info))

    def list_directory(self, path: str) -> DirectoryListResult:
        """A directory's entries, each with `name`, `is_file`, `is_directory` and `size`."""
        answer = self._calls.typed("list_directory", {"path": path}, DirectoryListing)
        if answer.error is not None:
            return DirectoryListResult(**answer.facts())
        listing = answer.get()
        return DirectoryListResult(**answer.facts(), entries=listing.entries, truncated=listing.truncated)

    def read_multiple_files(self, paths: Names) -> MultipleFileContentResult:
        """Several files' text."""
        answer = self._calls.typed("read_multiple_files", {"paths": list(paths)}, FileContents)
        if answer.error is not None:
            return MultipleFileContentResult(**answer.facts())
        files = answer.get().files
        failed = [f"{file.path}: {file.error}" for file in files if file.error]
        if failed:
            answer = answer.refuse(ToolFailed(message="; ".join(failed), code="SomeFilesNotRead"))
        contents = {file.path: file.content for file in files if not file.error}
        return MultipleFileContentResult(**answer.facts(), contents=contents)

    def search_files(self, path: str, pattern: str, exclude_patterns: Names | None = None) -> FileSearchResult:
        """Paths below `path` whose name matches a glob pattern, or contains it where it has no wildcard."""
        arguments = {"path": path, "pattern": pattern, "excludePatterns": ",".join(exclude_patterns or ()) or None}
        answer = self._calls.typed("search_files", arguments, SearchMatches)
        if answer.error is not None:
            return FileSearchResult(**answer.facts())
        found = answer.get()
        return FileSearchResult(**answer.facts(), matches=found.matches, truncated=found.truncated)

    def get_file_change(self, path: str) -> FileChangeResult:
        """What changed below `path` since the previous question about it; the first one gives nothing."""
        answer = self._calls.typed("get_file_change", {"path": path}, FileChanges)
        if answer.error is not None:
            return FileChangeResult(**answer.facts())
        events = [
            FileChangeEvent(event_type=e.event_type, path=e.path, path_type=e.path_type) for e in answer.get().events
        ]
        return FileChangeResult(**answer.facts(), events=events)

    write = write_file
    list = list_directory
    ls = list_directory
    delete = delete_file
    remove = delete_file
    rm = delete_file
