"""What the client's methods return: `success`, `error_message`, `request_id`, the data, and `unwrap()`.

Every result also has `code` (the refusal's name, "" on success), `http_status_code` and `cause` (the refusal as an
error, which `unwrap()` raises). Field names are those of the official clients.
"""

from typing import Any, Generic, TypeVar

import msgspec

from cove.core.api import LinkView, SessionView
from cove.core.errors import CoveError
from cove.core.network import Connection, NetworkPolicy
from cove.core.results import Metrics

S = TypeVar("S")
KBYTE = 1024


class Result(msgspec.Struct, kw_only=True, repr_omit_defaults=True):
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

    def check(self) -> None:
        """Raise the refusal, if there was one."""
        if not self.success:
            raise self.cause or CoveError(reason=self.error_message)


class SessionResult(Result, Generic[S], kw_only=True):
    """A session made or found."""

    session: S | None = None

    def unwrap(self) -> S:
        """The session; raises the refusal."""
        self.check()
        assert self.session is not None  # noqa: S101 - success carries a session
        return self.session


class SessionListResult(Result, kw_only=True):
    """One page of sessions. `next_token` is empty on the last page; `total_count` counts all that match.

    AgentBay's entries are maps with `sessionId`, `sessionStatus` and `imageId`; AGB's are the ids alone. `sessions` is
    all that the server says of each.
    """

    sessions: list[SessionView] = []
    session_ids: list[Any] = []
    next_token: str = ""
    max_results: int = 0
    total_count: int = 0

    def unwrap(self) -> list[Any]:
        """The entries; raises the refusal."""
        self.check()
        return self.session_ids


class OperationResult(Result, kw_only=True):
    """An operation, with what it gave in `data`."""

    data: Any = None

    def unwrap(self) -> Any:
        """The data; raises the refusal."""
        self.check()
        return self.data


class LinkListResult(Result, kw_only=True):
    """The links of a session that open something, oldest first."""

    links: list[LinkView] = []

    def unwrap(self) -> list[LinkView]:
        """The links; raises the refusal."""
        self.check()
        return self.links


class BoolResult(Result, kw_only=True):
    """An operation that gives nothing but its success; `data` says it once more."""

    data: bool | None = None

    def unwrap(self) -> bool:
        """True; raises the refusal."""
        self.check()
        return bool(self.data)


class NetworkResult(Result, kw_only=True):
    """What a session may reach."""

    policy: NetworkPolicy | None = None

    def unwrap(self) -> NetworkPolicy:
        """The policy; raises the refusal."""
        self.check()
        assert self.policy is not None  # noqa: S101 - success carries a policy
        return self.policy


class ConnectionsResult(Result, kw_only=True):
    """Connections of a session that have ended, oldest first; `after` is what to ask for next."""

    connections: list[Connection] = []
    after: int = 0

    def unwrap(self) -> list[Connection]:
        """The connections; raises the refusal."""
        self.check()
        return self.connections


class DeleteResult(Result, kw_only=True):
    """A deletion."""

    def unwrap(self) -> None:
        """Nothing; raises the refusal."""
        self.check()


class SessionStatusResult(Result, kw_only=True):
    """A session's state: RUNNING, PAUSED, FINISH, …"""

    status: str = ""

    def unwrap(self) -> str:
        """The state; raises the refusal."""
        self.check()
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
        self.check()
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
        self.check()
        return self.tools


class McpToolResult(Result, kw_only=True):
    """A tool call. `data` is the text that the official clients' scripts parse: JSON, lines or plain text, by tool."""

    data: str = ""

    def unwrap(self) -> str:
        """The text; raises the refusal."""
        self.check()
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
    processes: int = 0


class SessionMetricsResult(Result, kw_only=True):
    """A session's metrics; `raw` is the same as a map."""

    metrics: SessionMetrics | None = None
    raw: dict[str, Any] | None = None

    def unwrap(self) -> SessionMetrics:
        """The metrics; raises the refusal."""
        self.check()
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
        self.check()
        return self.output


class EnvResult(Result, kw_only=True):
    """Environment variables."""

    envs: dict[str, str] = {}

    def unwrap(self) -> dict[str, str]:
        """The variables; raises the refusal."""
        self.check()
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
