"""What the methods about files return; `results` says what every result has."""

from typing import Any

import msgspec

from cove.core.results import DirectoryEntry, FileInfo
from cove.sdk.results import Result


class FileInfoResult(Result, kw_only=True):
    """One file or directory: `file_info` has the official names `size`, `isDirectory`, `isFile`, `permissions`, …"""

    file_info: dict[str, Any] = msgspec.field(default_factory=dict)
    info: FileInfo | None = None

    @property
    def is_file(self) -> bool:
        """Whether it is a regular file."""
        return self.info is not None and self.info.is_file

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return self.info is not None and self.info.is_directory

    @property
    def size(self) -> int:
        """Bytes."""
        return 0 if self.info is None else self.info.size

    @property
    def permissions(self) -> str:
        """Octal text such as "644"."""
        return "" if self.info is None else self.info.permissions

    def unwrap(self) -> FileInfo:
        """The facts, typed; raises the refusal."""
        self.check()
        assert self.info is not None  # noqa: S101 - success carries facts
        return self.info


def official_file_info(info: FileInfo) -> dict[str, Any]:
    """A file's facts under the official clients' names."""
    facts = msgspec.structs.asdict(info)
    renamed = {"is_directory": "isDirectory", "is_file": "isFile", "is_symlink": "isSymlink"}
    return {renamed.get(name, name): value for name, value in facts.items()}


class DirectoryListResult(Result, kw_only=True):
    """A directory's entries by name; AGB's are maps with `name`, `isDirectory`, `isFile` and `size`."""

    entries: list[Any] = msgspec.field(default_factory=list)
    truncated: bool = False

    def unwrap(self) -> list[Any]:
        """The entries; raises the refusal."""
        self.check()
        return self.entries


def official_entry(entry: DirectoryEntry) -> dict[str, Any]:
    """A directory entry as the map that AGB gives."""
    return {"name": entry.name, "isDirectory": entry.is_directory, "isFile": entry.is_file, "size": entry.size}


class FileContentResult(Result, kw_only=True):
    """A file's text."""

    content: str = ""

    def unwrap(self) -> str:
        """The text; raises the refusal."""
        self.check()
        return self.content


class BinaryFileContentResult(Result, kw_only=True):
    """A file's bytes; `size` is their number."""

    content: bytes = b""
    content_type: str | None = None
    size: int | None = None

    def unwrap(self) -> bytes:
        """The bytes; raises the refusal."""
        self.check()
        return self.content


class MultipleFileContentResult(Result, kw_only=True):
    """Several files' text by path. It succeeds if all were read; those that were stand in `contents` in any case."""

    contents: dict[str, str] = msgspec.field(default_factory=dict)

    def unwrap(self) -> dict[str, str]:
        """The texts; raises the refusal, or ToolFailed naming the files that could not be read."""
        self.check()
        return self.contents


class FileSearchResult(Result, kw_only=True):
    """Paths that match, absolute and sorted."""

    matches: list[str] = msgspec.field(default_factory=list)
    truncated: bool = False

    def unwrap(self) -> list[str]:
        """The paths; raises the refusal."""
        self.check()
        return self.matches


class FileChangeEvent(msgspec.Struct, frozen=True, kw_only=True):
    """`event_type` is create, modify or delete; `path_type` is file or directory."""

    event_type: str = ""
    path: str = ""
    path_type: str = ""

    def to_dict(self) -> dict[str, str]:
        """The event under its names on the wire."""
        return {"eventType": self.event_type, "path": self.path, "pathType": self.path_type}


class FileChangeResult(Result, kw_only=True):
    """What changed below a path since the previous question about it; the first question sets the baseline."""

    events: list[FileChangeEvent] = msgspec.field(default_factory=list)

    @property
    def raw_data(self) -> str:
        """The events as JSON text."""
        return msgspec.json.encode([event.to_dict() for event in self.events]).decode()

    def has_changes(self) -> bool:
        """Whether anything changed."""
        return bool(self.events)

    def get_modified_files(self) -> list[str]:
        """Paths of files that were modified."""
        return self._files("modify")

    def get_created_files(self) -> list[str]:
        """Paths of files that were created."""
        return self._files("create")

    def get_deleted_files(self) -> list[str]:
        """Paths of files that were deleted."""
        return self._files("delete")

    def _files(self, kind: str) -> list[str]:
        return [event.path for event in self.events if event.event_type == kind and event.path_type == "file"]

    def unwrap(self) -> list[FileChangeEvent]:
        """The events; raises the refusal."""
        self.check()
        return self.events
