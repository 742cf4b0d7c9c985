"""What each tool gives back, structured; the text that official clients parse is made in `compat.tools`."""

import msgspec


class CommandOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What a command printed and how it ended; a command killed by signal N has exit code 128+N."""

    stdout: str
    stderr: str
    exit_code: int
    truncated: bool = False


class FileContent(msgspec.Struct, frozen=True, kw_only=True):
    """A file's content, or a stretch of it. `encoding` is "utf-8" or "base64"; `size` is the whole file's, in bytes."""

    content: str
    encoding: str
    size: int
    truncated: bool = False


class PathDone(msgspec.Struct, frozen=True, kw_only=True):
    """The path that was written, made, moved to or deleted."""

    path: str


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """How many bytes went into the file."""

    path: str
    bytes_written: int


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """What an edit changed, or would change: a unified diff."""

    path: str
    replacements: int
    diff: str
    dry_run: bool


class FileInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One file or directory. Times are UTC epoch seconds; `permissions` is octal text such as "644"."""

    path: str
    name: str
    size: int
    is_directory: bool
    is_file: bool
    is_symlink: bool
    permissions: str
    owner: int
    group: int
    created: float
    modified: float
    accessed: float


class DirectoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One name in a directory; `size` is in bytes, 0 for a directory."""

    name: str
    is_directory: bool
    is_file: bool
    size: int


class DirectoryListing(msgspec.Struct, frozen=True, kw_only=True):
    """A directory's entries by name; `truncated` says that there are more."""

    path: str
    entries: list[DirectoryEntry]
    truncated: bool = False


class NamedContent(msgspec.Struct, frozen=True, kw_only=True):
    """One of several files read at once; `error` says why it could not be."""

    path: str
    content: str
    error: str = ""


class FileContents(msgspec.Struct, frozen=True, kw_only=True):
    """Several files' text."""

    files: list[NamedContent]


class SearchMatches(msgspec.Struct, frozen=True, kw_only=True):
    """Paths that match, absolute and sorted."""

    matches: list[str]
    truncated: bool = False


class FileChange(msgspec.Struct, frozen=True, kw_only=True):
    """`event_type` is create, modify or delete; `path_type` is file or directory."""

    event_type: str
    path: str
    path_type: str


class FileChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What changed below a path since the previous question about it."""

    events: list[FileChange]


class Watching(msgspec.Struct, frozen=True, kw_only=True):
    """A watch that has begun; `FileChanges` follow on its connection."""

    watch_id: str


class Variables(msgspec.Struct, frozen=True, kw_only=True):
    """Environment variables."""

    variables: dict[str, str]


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """A session's use of the machine, from its cgroup and disk image, never from the guest.

    Bytes and seconds; `cpu_used_pct` is percent of all its cpus; `processes` count the guest's own two, whose memory is
    in `mem_used`, too.
    """

    cpu_count: float
    cpu_used_pct: float
    mem_total: int
    mem_used: int
    disk_total: int
    disk_used: int
    rx_bytes: int
    tx_bytes: int
    rx_bytes_per_s: float
    tx_bytes_per_s: float
    timestamp: float
    processes: int = 0
