"""Cove: your own sandbox cloud for AI agents. Importing this only defines names, each loaded on first use."""

TYPE_CHECKING = False  # type checkers take it for true; `typing` itself would cost more than all of this
if TYPE_CHECKING:
    from cove.core.errors import (
        AnswerMalformed,
        AnswerTimedOut,
        CallNotFound,
        ConnectionLost,
        CoveError,
        DataInUse,
        DataTooNew,
        DiskReserved,
        Exhausted,
        GuestMisbehaved,
        GuestSilent,
        ImageNotFound,
        InternalError,
        InvalidInput,
        InvalidLabels,
        InvalidLimit,
        InvalidNetwork,
        InvalidPort,
        InvalidSetting,
        InvalidToolArguments,
        KeyInvalid,
        KeyNotFound,
        LinkExpired,
        LinkNotFound,
        LinkRefused,
        LinkRevoked,
        LocalCoveFailed,
        NotFound,
        NothingListening,
        NotSupported,
        OperatorOnly,
        Refused,
        SandboxFailed,
        SandboxGone,
        SandboxNotCreated,
        ServerUnreachable,
        SessionError,
        SessionNotFound,
        SessionPaused,
        ToolFailed,
        ToolNotFound,
        TooManyLinks,
        TooManySessions,
        TransportFailed,
        WrongState,
    )
    from cove.core.limits import Limits
    from cove.core.network import Connection, NetworkPolicy
    from cove.core.version import __version__
    from cove.sdk._async.agb import AsyncAGB, AsyncAGBSession
    from cove.sdk._async.agent_bay import AsyncAgentBay
    from cove.sdk._async.session import AsyncSession
    from cove.sdk._sync.agb import AGB, AGBSession
    from cove.sdk._sync.agent_bay import AgentBay
    from cove.sdk._sync.session import Session
    from cove.sdk.file_results import (
        BinaryFileContentResult,
        DirectoryListResult,
        FileChangeEvent,
        FileChangeResult,
        FileContentResult,
        FileInfoResult,
        FileSearchResult,
        MultipleFileContentResult,
    )
    from cove.sdk.params import Config, CreateSessionParams
    from cove.sdk.results import (
        BoolResult,
        CommandResult,
        ConnectionsResult,
        DeleteResult,
        EnvResult,
        GetSessionResult,
        LinkListResult,
        McpTool,
        McpToolResult,
        McpToolsResult,
        NetworkResult,
        OperationResult,
        SessionInfo,
        SessionListResult,
        SessionMetrics,
        SessionMetricsResult,
        SessionPauseResult,
        SessionResult,
        SessionResumeResult,
        SessionStatusResult,
    )

__all__ = [
    "AGB",
    "AGBSession",
    "AgentBay",
    "AnswerMalformed",
    "AnswerTimedOut",
    "AsyncAGB",
    "AsyncAGBSession",
    "AsyncAgentBay",
    "AsyncSession",
    "BinaryFileContentResult",
    "BoolResult",
    "CallNotFound",
    "CommandResult",
    "Config",
    "Connection",
    "ConnectionLost",
    "ConnectionsResult",
    "CoveError",
    "CreateSessionParams",
    "DataInUse",
    "DataTooNew",
    "DeleteResult",
    "DirectoryListResult",
    "DiskReserved",
    "EnvResult",
    "Exhausted",
    "FileChangeEvent",
    "FileChangeResult",
    "FileContentResult",
    "FileInfoResult",
    "FileSearchResult",
    "GetSessionResult",
    "GuestMisbehaved",
    "GuestSilent",
    "ImageNotFound",
    "InternalError",
    "InvalidInput",
    "InvalidLabels",
    "InvalidLimit",
    "InvalidNetwork",
    "InvalidPort",
    "InvalidSetting",
    "InvalidToolArguments",
    "KeyInvalid",
    "KeyNotFound",
    "Limits",
    "LinkExpired",
    "LinkListResult",
    "LinkNotFound",
    "LinkRefused",
    "LinkRevoked",
    "LocalCoveFailed",
    "McpTool",
    "McpToolResult",
    "McpToolsResult",
    "MultipleFileContentResult",
    "NetworkPolicy",
    "NetworkResult",
    "NotFound",
    "NotSupported",
    "NothingListening",
    "OperationResult",
    "OperatorOnly",
    "Refused",
    "SandboxFailed",
    "SandboxGone",
    "SandboxNotCreated",
    "ServerUnreachable",
    "Session",
    "SessionError",
    "SessionInfo",
    "SessionListResult",
    "SessionMetrics",
    "SessionMetricsResult",
    "SessionNotFound",
    "SessionPauseResult",
    "SessionPaused",
    "SessionResult",
    "SessionResumeResult",
    "SessionStatusResult",
    "TooManyLinks",
    "TooManySessions",
    "ToolFailed",
    "ToolNotFound",
    "TransportFailed",
    "WrongState",
    "__version__",
]

_PLACES = {
    "AGB": "cove.sdk._sync.agb",
    "AGBSession": "cove.sdk._sync.agb",
    "AgentBay": "cove.sdk._sync.agent_bay",
    "AsyncAGB": "cove.sdk._async.agb",
    "AsyncAGBSession": "cove.sdk._async.agb",
    "AsyncAgentBay": "cove.sdk._async.agent_bay",
    "AsyncSession": "cove.sdk._async.session",
    "Config": "cove.sdk.params",
    "Connection": "cove.core.network",
    "CreateSessionParams": "cove.sdk.params",
    "Limits": "cove.core.limits",
    "NetworkPolicy": "cove.core.network",
    "Session": "cove.sdk._sync.session",
    "__version__": "cove.core.version",
}
_TREES = ("cove.core.errors", "cove.sdk.results", "cove.sdk.file_results")
"""Where errors and results are found, which `_PLACES` does not name."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'cove' has no attribute {name!r}")
    from importlib import import_module

    places = (_PLACES[name],) if name in _PLACES else _TREES
    value: object = next(getattr(module, name) for module in map(import_module, places) if hasattr(module, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
