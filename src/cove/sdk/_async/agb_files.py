"""Files of a session under AGB's names."""

from cove.sdk._async.file_system import AsyncFileSystem, Edits, Names
from cove.sdk.file_results import (
    BinaryFileContentResult,
    DirectoryListResult,
    FileContentResult,
    FileInfoResult,
    FileSearchResult,
    MultipleFileContentResult,
    official_entry,
)
from cove.sdk.results import BoolResult


class AsyncAGBFileSystem:
    """Reads and writes files. Paths are absolute, or relative to the home."""

    def __init__(self, files: AsyncFileSystem) -> None:
        self._files = files

    async def mkdir(self, path: str) -> BoolResult:
        """Make a directory, with those above it."""
        return await self._files.create_directory(path)

    async def edit(self, path: str, edits: Edits, dry_run: bool = False) -> BoolResult:
        """Replace text: each of `edits` is `{"oldText": …, "newText": …}` and replaces the first match."""
        return await self._files.edit_file(path, edits, dry_run)

    async def info(self, path: str) -> FileInfoResult:
        """Facts about a file or directory."""
        return await self._files.get_file_info(path)

    async def move(self, source: str, destination: str) -> BoolResult:
        """Move or rename."""
        return await self._files.move_file(source, destination)

    async def remove(self, path: str) -> BoolResult:
        """Delete a file, or a directory with all that is in it."""
        return await self._files.delete_file(path)

    async def read(self, path: str, *, format: str = "text") -> FileContentResult | BinaryFileContentResult:  # noqa: A002
        """A whole file: as text, or as bytes with `format="bytes"`."""
        if format == "text":
            return await self._files.read_file(path)
        return await self._files.read_binary(path, format)

    async def write(self, path: str, content: str | bytes, mode: str = "overwrite") -> BoolResult:
        """Write text or bytes. `mode` is "overwrite" or "append"."""
        return await self._files.write_file(path, content, mode)

    async def read_batch(self, paths: Names) -> MultipleFileContentResult:
        """Several files' text."""
        return await self._files.read_multiple_files(paths)

    async def search(self, path: str, pattern: str, exclude_patterns: Names | None = None) -> FileSearchResult:
        """Paths below `path` whose name matches a glob pattern, or contains it where it has no wildcard."""
        return await self._files.search_files(path, pattern, exclude_patterns)

    async def list(self, path: str) -> DirectoryListResult:
        """A directory's entries, each a dict with `name`, `isDirectory`, `isFile` and `size`."""
        result = await self._files.list_directory(path)
        result.entries = [official_entry(entry) for entry in result.entries]
        return result
