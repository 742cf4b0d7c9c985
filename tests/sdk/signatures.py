"""Signatures that the documents of AgentBay and AGB fix: names, order and defaults, as data.

`…` stands for a parameter without a default.
"""

REQUIRED = ...
Signature = dict[str, object]

_PAUSE: Signature = {"timeout": 600, "poll_interval": 2.0}
_TIMEOUTS: Signature = {"read_timeout": None, "connect_timeout": None}
_LABELS: Signature = {"labels": REQUIRED}
_COMMAND: Signature = {"command": REQUIRED, "timeout_ms": 50000, "cwd": None, "envs": None}
_PATH: Signature = {"path": REQUIRED}
_MOVE: Signature = {"source": REQUIRED, "destination": REQUIRED}
_EDIT: Signature = {"path": REQUIRED, "edits": REQUIRED, "dry_run": False}
_WRITE: Signature = {"path": REQUIRED, "content": REQUIRED, "mode": "overwrite"}
_READ: Signature = {"path": REQUIRED, "format": "text"}
_SEARCH: Signature = {"path": REQUIRED, "pattern": REQUIRED, "exclude_patterns": None}
_PATHS: Signature = {"paths": REQUIRED}
_LINK: Signature = {"protocol_type": None, "port": None, "options": None}
_MOVED: Signature = {"session": REQUIRED, **_PAUSE}

SESSION_INFO: Signature = dict.fromkeys(
    (
        "session_id",
        "resource_url",
        "app_id",
        "auth_code",
        "connection_properties",
        "resource_id",
        "resource_type",
        "ticket",
    ),
    "",
)

_IN_BOTH: dict[str, Signature] = {
    "delete": {"sync_context": False},
    "set_labels": _LABELS,
    "get_labels": {},
    "info": {},
    "list_mcp_tools": {"image_id": None},
    "get_status": {},
    "get_metrics": _TIMEOUTS,
    "keep_alive": {},
    "get_api_key": {},
    "get_client": {},
    "get_session_id": {},
    "find_server_for_tool": {"tool_name": REQUIRED},
    "is_vpc_enabled": {},
    "get_network_interface_ip": {},
    "get_http_port": {},
    "get_token": {},
    "list_links": {},
    "revoke_link": {"link_id": None},
}

CLASSES: dict[str, dict[str, Signature]] = {
    "AgentBay": {
        "__init__": {"api_key": "", "cfg": None, "env_file": None, "endpoint": None},
        "create": {"params": None},
        "list": {"labels": None, "page": None, "limit": None, "status": None, "image_id": None},
        "delete": {"session": REQUIRED, "sync_context": False},
        "get": {"session_id": REQUIRED},
        "beta_pause": _MOVED,
        "beta_resume": _MOVED,
        "close": {},
    },
    "Session": {
        "__init__": {"agent_bay": REQUIRED, "session_id": REQUIRED},
        **_IN_BOTH,
        "call_mcp_tool": {"tool_name": REQUIRED, "args": REQUIRED, **_TIMEOUTS, "auto_gen_session": False},
        "pause": _PAUSE,
        "pause_async": {},
        "resume": _PAUSE,
        "resume_async": {},
        "beta_pause": _PAUSE,
        "beta_resume": _PAUSE,
        "get_link": _LINK,
        "get_link_async": _LINK,
    },
    "Session.command": {
        "execute_command": _COMMAND,
        "run": _COMMAND,
        "exec": _COMMAND,
    },
    "Session.file_system": {
        "create_directory": _PATH,
        "delete_file": _PATH,
        "edit_file": _EDIT,
        "get_file_info": _PATH,
        "list_directory": _PATH,
        "move_file": _MOVE,
        "read_multiple_files": _PATHS,
        "search_files": _SEARCH,
        "read_file": _READ,
        "read": _PATH,
        "write_file": _WRITE,
        "write": _WRITE,
        "list": _PATH,
        "ls": _PATH,
        "delete": _PATH,
        "remove": _PATH,
        "rm": _PATH,
        "get_file_change": _PATH,
    },
    "Session.env": {
        "set": {"envs": REQUIRED},
        "get": {"keys": None},
    },
    "AGB": {
        "__init__": {"api_key": "", "cfg": None, "endpoint": None},
        "create": {"params": None},
        "list": {"labels": None, "page": None, "limit": None},
        "delete": {"session": REQUIRED, "sync_context": False},
        "get_session": {"session_id": REQUIRED},
        "get": {"session_id": REQUIRED},
    },
    "AGBSession": {
        "__init__": {"agb": REQUIRED, "session_id": REQUIRED},
        **_IN_BOTH,
        "call_mcp_tool": {"tool_name": REQUIRED, "args": REQUIRED, **_TIMEOUTS},
        "get_link": {"protocol_type": None, "port": None},
    },
    "AGBSession.command": {
        "execute": {**_COMMAND, "timeout_ms": 1000},
    },
    "AGBSession.file": {
        "mkdir": _PATH,
        "edit": _EDIT,
        "info": _PATH,
        "list": _PATH,
        "move": _MOVE,
        "remove": _PATH,
        "read": _READ,
        "write": _WRITE,
        "read_batch": _PATHS,
        "search": _SEARCH,
    },
}
"""Class, or attribute of one, to its methods; the async classes are the same with `Async` before their name."""

OURS = {
    ".create": ("idempotency_key",),
    ".get_link": ("expires_in",),
    ".get_link_async": ("expires_in",),
    "command.execute_command": ("user", "stdin"),
    "command.run": ("user", "stdin"),
    "command.exec": ("user", "stdin"),
}
"""Keyword-only parameters that the documents do not have."""

WITHOUT_WAITING = {
    "__init__",
    "get_api_key",
    "get_client",
    "get_session_id",
    "is_vpc_enabled",
    "get_network_interface_ip",
    "get_http_port",
    "get_token",
}
"""Methods that do no I/O, and are plain functions in the async client too."""

ALWAYS_WAITING = {"get_link_async"}
"""Methods to be awaited in the sync client too."""
