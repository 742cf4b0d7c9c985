"""Answers in the envelope of AgentBay: names in PascalCase, and JSON as text where clients parse it a second time."""

from typing import Any

import msgspec

from cove.compat.agentbay.requests import pascal
from cove.compat.operations import WireAnswer
from cove.compat.operations.tools import ToolEntry, ToolResult

_TEXTS = ("tool_list", "labels")
"""Fields that are JSON inside JSON."""


def envelope(request_id: str, data: Any, counts: dict[str, Any]) -> WireAnswer:
    """A success; without `data` there is none in it."""
    body = {"Code": "ok", "HttpStatusCode": 200, "Message": "", "RequestId": request_id, "Success": True, **counts}
    if data is not None:
        body["Data"] = data
    return WireAnswer(status=200, body=msgspec.json.encode(body))


def data_of(answer: Any) -> Any:
    """What an operation gave, as `Data`."""
    if isinstance(answer, ToolResult):
        return {"content": answer.content, "isError": answer.is_error}
    if isinstance(answer, list):
        entries = [_tool(entry) if isinstance(entry, ToolEntry) else data_of(entry) for entry in answer]
        return _json(entries) if answer and isinstance(answer[0], ToolEntry) else entries
    if not isinstance(answer, msgspec.Struct):
        return answer
    return {pascal(name): _member(name, getattr(answer, name)) for name in answer.__struct_fields__}


def _member(name: str, value: Any) -> Any:
    return _json(value) if name in _TEXTS else data_of(value)


def _tool(entry: ToolEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "description": entry.description,
        "inputSchema": entry.input_schema,
        "server": entry.server,
        "tool": entry.tool,
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
