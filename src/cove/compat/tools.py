"""Structured results as the text that the official AgentBay clients parse; the only place that knows those texts.

Each text follows `§5` of the wire notes on AgentBay: JSON for some tools, lines for others, "true" where any text does.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from cove.core.tool import Failure, Outcome

Structured = dict[str, Any]
COMMAND = "shell"
"""The tool that runs a command."""
_KIB = 1024
_TIMED_OUT = 124
"""The exit code of a command that was ended, as `timeout` of coreutils has it."""


def render(tool: str, outcome: Outcome, trace_id: str = "") -> str:
    """The text face of what a call gave; a failure's is its message, a tool's without a form of its own is JSON.

    `trace_id` is shown with a command that failed: the request's id, as in `x-request-id` and in the log's lines of it.

    >>> render("list_directory", Outcome(structured={"path": "/", "entries": [{"name": "tmp", "is_directory": True}]}))
    '[DIR] tmp'
    """
    if outcome.failure is not None:
        return _failure(outcome.failure, trace_id)
    form: Callable[[Structured], str] = FORMS.get(tool, _json)
    result = outcome.structured or {}
    return form(result | {"trace_id": trace_id} if tool == COMMAND else result)


def render_printed(outcome: Outcome) -> str:
    """What a command printed, for clients that show it as it comes: they see no exit code but that of a silent failure.

    >>> render_printed(Outcome(structured={"stdout": "", "stderr": "", "exit_code": 3}))
    'exit code 3'
    """
    if outcome.failure is not None:
        return outcome.failure.message
    result = outcome.structured or {}
    text = f"{result['stdout']}{result['stderr']}"
    return text or (f"exit code {result['exit_code']}" if result["exit_code"] else "")


def has_failed(tool: str, outcome: Outcome) -> bool:
    """Whether clients are told of an error: of a tool's, and of a command's that ended with another code than 0.

    >>> has_failed("shell", Outcome(structured={"stdout": "", "stderr": "no\\n", "exit_code": 1}))
    True
    """
    return outcome.failure is not None or (tool == COMMAND and bool((outcome.structured or {})["exit_code"]))


def _failure(failure: Failure, trace_id: str) -> str:
    """The message; of a command that took too long in the shape of one with no output, which its clients look for."""
    if failure.code != "CommandTimedOut":
        return failure.message
    return _json({"stdout": "", "stderr": "", "exit_code": _TIMED_OUT, "error": failure.message, **_trace(trace_id)})


def _trace(trace_id: str) -> Structured:
    return {"traceId": trace_id} if trace_id else {}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _done(_: Structured) -> str:
    return "true"


def _command(result: Structured) -> str:
    told = {name: result[name] for name in ("stdout", "stderr", "exit_code")}
    return _json(told | _trace(result["trace_id"] if result["exit_code"] else ""))


def _content(result: Structured) -> str:
    return str(result["content"])


def _edit(result: Structured) -> str:
    return str(result["diff"]) if result["dry_run"] else "true"


def _file_info(result: Structured) -> str:
    names = {"is_directory": "isDirectory", "is_file": "isFile", "is_symlink": "isSymbolicLink"}
    return "\n".join(f"{names.get(name, name)}: {_word(value)}" for name, value in result.items())


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _directory(result: Structured) -> str:
    return "\n".join(f"[{'DIR' if entry['is_directory'] else 'FILE'}] {entry['name']}" for entry in result["entries"])


def _files(result: Structured) -> str:
    blocks = (f"{file['path']}: \n{file['error'] or file['content']}\n---" for file in result["files"])
    return "\n".join(blocks)


def _matches(result: Structured) -> str:
    return "\n".join(result["matches"]) or "No matches found"


def file_change(event: Structured) -> dict[str, str]:
    """One change of a file.

    >>> file_change({"event_type": "create", "path": "/a", "path_type": "file"})
    {'eventType': 'create', 'path': '/a', 'pathType': 'file'}
    """
    return {"eventType": event["event_type"], "path": event["path"], "pathType": event["path_type"]}


def _changes(result: Structured) -> str:
    return _json([file_change(event) for event in result["events"]])


def _variables(result: Structured) -> str:
    return _json(result["variables"])


def _metrics(result: Structured) -> str:
    shared = ("cpu_count", "cpu_used_pct", "mem_total", "mem_used", "disk_total", "disk_used", "timestamp")
    kilobytes = {
        "rx_rate_kbyte_per_s": result["rx_bytes_per_s"] / _KIB,
        "tx_rate_kbyte_per_s": result["tx_bytes_per_s"] / _KIB,
        "rx_used_kbyte": result["rx_bytes"] / _KIB,
        "tx_used_kbyte": result["tx_bytes"] / _KIB,
    }
    return _json({**{name: result[name] for name in shared}, **kilobytes})


FORMS: dict[str, Callable[[Structured], str]] = {
    COMMAND: _command,
    "read_file": _content,
    "write_file": _done,
    "create_directory": _done,
    "delete_file": _done,
    "edit_file": _edit,
    "get_file_info": _file_info,
    "list_directory": _directory,
    "move_file": _done,
    "read_multiple_files": _files,
    "search_files": _matches,
    "get_file_change": _changes,
    "set_env": _done,
    "get_env": _variables,
    "get_metrics": _metrics,
}
