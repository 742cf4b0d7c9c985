"""Files of a session under AGB's names."""

# Generated from _async/agb_files.py by dev/generate.py: change that, then run `python dev/generate.py`.

from cove.sdk._sync.file_system import Edits, FileSystem, Names
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


class AGBFileSystem:
    """Reads and writes files. Paths are absolute, or relative to the home."""

    def __init__(self, files: FileSystem) -> None:
        self._files = files

    def mkdir(self, path: str) -> BoolResult:
        """Make a directory, with those above it."""
        return self._files.create_directory(path)

    def edit(self, path: str, edits: Edits, dry_run: bool = False) -> BoolResult:
        """Replace text: each of `edits` is `{"oldText": …, "newText": …}` and replaces the first match."""
        return self._files.edit_file(path, edits, dry_run)

    def info(self, path: str) -> FileInfoResult:
        """Facts about a file or directory."""
        return self._files.get_file_info(path)

    def move(self, source: str, destination: str) -> BoolResult:
        """Move or rename."""
        return self._files.move_file(source, destination)

    def remove(self, path: str) -> BoolResult:
        """Delete a file, or a directory with all that is in it."""
        return self._files.delete_file(path)

    def read(self, path: str, *, format: str = "text") -> FileContentResult | BinaryFileContentResult:  # noqa: A002
        """A whole file: as text, or as bytes with `format="bytes"`."""
        if format == "text":
            return self._files.read_file(path)
        return self._files.read_binary(path, format)

    def write(self, path: str, content: str | bytes, mode: str = "overwrite") -> BoolResult:
        """Write text or bytes. `mode` is "overwrite" or "append"."""
        return self._files.write_file(path, content, mode)

    def read_batch(self, paths: Names) -> MultipleFileContentResult:
        """Several files' text."""
        return self._files.read_multiple_files(paths)

    def search(self, path: str, pattern: str, exclude_patterns: Names | None = None) -> FileSearchResult:
        """Paths below `path` whose name matches a glob pattern, or contains it where it has no wildcard."""
        return self._files.search_files(path, pattern, exclude_patterns)

    def list(self, path: str) -> DirectoryListResult:
        """A directory's entries, each a dict with `name`, `isDirectory`, `isFile` and `size`."""
        result = self._files.list_directory(path)
        result.entries = [official_entry(entry) for entry in result.entries]
        return result
