"""What the client's methods return: `success`, `error_message`, `request_id`, the data, and `unwrap()`.

Every result also has `code` (the refusal's name, "" on success), `http_status_code` and `cause` (the refusal as an
error, which `unwrap()` raises). Field names are those of the official clients.
"""

from typing import Any, Generic, TypeVar

import msgspec

from cove.core.api import SessionView
from cove.core.errors import CoveError
from cove.core.results import DirectoryEntry, FileInfo, Metrics

S = TypeVar("S")
KBYTE = 1024


class Result(msgspec.Struct, kw_only=True):
    """What every result has. A result is true in a condition if it succeeded."""

    request_id: str = ""
    success: bool = False
    error_message: str = ""
    code: str = ""
    http_status_code: int = 0
    cause: CoveError | None = None

    def __bool__(self) -> bool:
        return self.success

    @property
    def message(self) -> str:
        """The same as `error_message`."""
        return self.error_message

    def get_request_id(self) -> str:
        """The same as `request_id`."""
        return self.request_id

    def _check(self) -> None:
        if not self.success:
            raise self.cause or CoveError(reason=self.error_message)


class SessionResult(Result, Generic[S], kw_only=True):
    """A session made or found."""

    session: S | None = None

    def unwrap(self) -> S:
        """The session; raises the refusal."""
        self._check()
        assert self.session is not None  # noqa: S101 - success carries a session
        return self.session


class SessionListResult(Result, kw_only=True):
    """One page of sessions. `next_token` is empty on the last page; `total_count` counts all that match.

    AgentBay's entries are maps with `sessionId`, `sessionStatus` and `imageId`; AGB's are the ids alone.
    """

    session_ids: list[Any] = []
    next_token: str = ""
    max_results: int = 0
    total_count: int = 0

    def unwrap(self) -> list[Any]:
        """The entries; raises the refusal."""
        self._check()
        return self.session_ids


class OperationResult(Result, kw_only=True):
    """An operation, with what it gave in `data`."""

    data: Any = None

    def unwrap(self) -> Any:
        """The data; raises the refusal."""
        self._check()
        return self.data


class BoolResult(Result, kw_only=True):
    """An operation that gives nothing but its success; `data` says it once more."""

    data: bool | None = None

    def unwrap(self) -> bool:
        """True; raises the refusal."""
        self._check()
        return bool(self.data)


class DeleteResult(Result, kw_only=True):
    """A deletion."""

    def unwrap(self) -> None:
        """Nothing; raises the refusal."""
        self._check()


class SessionStatusResult(Result, kw_only=True):
    """A session's state: RUNNING, PAUSED, FINISH, …"""

    status: str = ""

    def unwrap(self) -> str:
        """The state; raises the refusal."""
        self._check()
        return self.status


class SessionPauseResult(SessionStatusResult, kw_only=True):
    """A pause; `status` is the state after it."""


class SessionResumeResult(SessionStatusResult, kw_only=True):
    """A resume; `status` is the state after it."""


class GetSessionData(msgspec.Struct, frozen=True, kw_only=True):
    """What AGB's `get_session` tells of a session."""

    session_id: str = ""
    status: str = ""
    resource_url: str = ""
    success: bool = False


class GetSessionResult(Result, kw_only=True):
    """AGB's look at a session."""

    data: GetSessionData | None = None

    def unwrap(self) -> GetSessionData | None:
        """The data; raises the refusal."""
        self._check()
        return self.data


class McpTool(msgspec.Struct, frozen=True, kw_only=True):
    """One MCP tool; `server` is the official name of its family, `input_schema` a JSON schema."""

    name: str
    description: str = ""
    input_schema: dict[str, Any] = {}
    server: str = ""
    tool: str = ""

    def get_name(self) -> str:
        """The same as `name`."""
        return self.name

    def get_server(self) -> str:
        """The same as `server`."""
        return self.server


class McpToolsResult(Result, kw_only=True):
    """The tools of a session or an image."""

    tools: list[McpTool] = []

    def unwrap(self) -> list[McpTool]:
        """The tools; raises the refusal."""
        self._check()
        return self.tools


class McpToolResult(Result, kw_only=True):
    """A tool call. `data` is the text that the official clients' scripts parse: JSON, lines or plain text, by tool."""

    data: str = ""

    def unwrap(self) -> str:
        """The text; raises the refusal."""
        self._check()
        return self.data


class SessionMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """A session's use of the machine. Memory and disk in bytes, network in KiB (per second), time in UTC epoch s."""

    cpu_count: float = 0
    cpu_used_pct: float = 0.0
    mem_total: int = 0
    mem_used: int = 0
    disk_total: int = 0
    disk_used: int = 0
    rx_rate_kbyte_per_s: float = 0.0
    tx_rate_kbyte_per_s: float = 0.0
    rx_used_kbyte: float = 0.0
    tx_used_kbyte: float = 0.0
    timestamp: float = 0.0


class SessionMetricsResult(Result, kw_only=True):
    """A session's metrics; `raw` is the same as a map."""

    metrics: SessionMetrics | None = None
    raw: dict[str, Any] | None = None

    def unwrap(self) -> SessionMetrics:
        """The metrics; raises the refusal."""
        self._check()
        assert self.metrics is not None  # noqa: S101 - success carries metrics
        return self.metrics


def session_metrics(metrics: Metrics) -> SessionMetrics:
    """Metrics under the official clients' names and units."""
    facts = msgspec.structs.asdict(metrics)
    network = {
        "rx_used_kbyte": facts.pop("rx_bytes") / KBYTE,
        "tx_used_kbyte": facts.pop("tx_bytes") / KBYTE,
        "rx_rate_kbyte_per_s": facts.pop("rx_bytes_per_s") / KBYTE,
        "tx_rate_kbyte_per_s": facts.pop("tx_bytes_per_s") / KBYTE,
    }
    return SessionMetrics(**facts, **network)


class CommandResult(Result, kw_only=True):
    """A command that ended. `success` is exit code 0; `output` is stdout and then stderr.

    `exit_code` is None where no command ended (a timeout, a refusal); `truncated` says that output was dropped;
    `trace_id` is the request's id.
    """

    output: str = ""
    stdout: str = ""
    stderr: str = ""
    exit_code: int | None = None
    trace_id: str = ""
    truncated: bool = False

    def unwrap(self) -> str:
        """The output; raises the refusal, or ToolFailed for an exit code other than 0."""
        self._check()
        return self.output


class FileInfoResult(Result, kw_only=True):
    """One file or directory: `file_info` has the official names `size`, `isDirectory`, `isFile`, `permissions`, …"""

    file_info: dict[str, Any] = {}
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
        self._check()
        assert self.info is not None  # noqa: S101 - success carries facts
        return self.info


def official_file_info(info: FileInfo) -> dict[str, Any]:
    """A file's facts under the official clients' names."""
    facts = msgspec.structs.asdict(info)
    renamed = {"is_directory": "isDirectory", "is_file": "isFile", "is_symlink": "isSymlink"}
    return {renamed.get(name, name): value for name, value in facts.items()}


class DirectoryListResult(Result, kw_only=True):
    """A directory's entries by name; AGB's are maps with `name`, `isDirectory`, `isFile` and `size`."""

    entries: list[Any] = []
    truncated: bool = False

    def unwrap(self) -> list[Any]:
        """The entries; raises the refusal."""
        self._check()
        return self.entries


def official_entry(entry: DirectoryEntry) -> dict[str, Any]:
    """A directory entry as the map that AGB gives."""
    return {"name": entry.name, "isDirectory": entry.is_directory, "isFile": entry.is_file, "size": entry.size}


class FileContentResult(Result, kw_only=True):
    """A file's text."""

    content: str = ""

    def unwrap(self) -> str:
        """The text; raises the refusal."""
        self._check()
        return self.content


class BinaryFileContentResult(Result, kw_only=True):
    """A file's bytes; `size` is their number."""

    content: bytes = b""
    content_type: str | None = None
    size: int | None = None

    def unwrap(self) -> bytes:
        """The bytes; raises the refusal."""
        self._check()
        return self.content


class MultipleFileContentResult(Result, kw_only=True):
    """Several files' text by path. It succeeds if all were read; those that were stand in `contents` in any case."""

    contents: dict[str, str] = {}

    def unwrap(self) -> dict[str, str]:
        """The texts; raises the refusal, or ToolFailed naming the files that could not be read."""
        self._check()
        return self.contents


class FileSearchResult(Result, kw_only=True):
    """Paths that match, absolute and sorted."""

    matches: list[str] = []
    truncated: bool = False

    def unwrap(self) -> list[str]:
        """The paths; raises the refusal."""
        self._check()
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

    events: list[FileChangeEvent] = []

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
        self._check()
        return self.events


class EnvResult(Result, kw_only=True):
    """Environment variables."""

    envs: dict[str, str] = {}

    def unwrap(self) -> dict[str, str]:
        """The variables; raises the refusal."""
        self._check()
        return self.envs


class SessionInfo:
    """What `info()` tells of a session. `view` is all that the server says of it."""

    def __init__(  # noqa: PLR0913, PLR0917 - the official signature
        self,
        session_id: str = "",
        resource_url: str = "",
        app_id: str = "",
        auth_code: str = "",
        connection_properties: str = "",
        resource_id: str = "",
        resource_type: str = "",
        ticket: str = "",
    ) -> None:
        self.session_id = session_id
        self.resource_url = resource_url
        self.app_id = app_id
        self.auth_code = auth_code
        self.connection_properties = connection_properties
        self.resource_id = resource_id
        self.resource_type = resource_type
        self.ticket = ticket
        self.view: SessionView | None = None

    def __repr__(self) -> str:
        return f"SessionInfo(session_id={self.session_id!r}, resource_url={self.resource_url!r})"
