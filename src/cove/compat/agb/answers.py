"""Answers in the envelope of AGB: names in camelCase, and JSON as text where clients parse it a second time."""

from typing import Any

import msgspec

from cove.compat.agb.requests import camel
from cove.compat.operations import Listed, Operation, WireAnswer

_TEXTS = ("tool_list", "labels")
"""Fields that are JSON inside JSON."""
_TEXT_ANSWERS = ("ListMcpTools",)
"""Operations whose whole `data` is."""


def envelope(request_id: str, data: Any, counts: dict[str, Any]) -> WireAnswer:
    """A success; its message is null, since clients show any message instead of the tool's own text."""
    body = {"code": "ok", "httpStatusCode": 200, "message": None, "requestId": request_id, "success": True, **counts}
    return WireAnswer(status=200, body=msgspec.json.encode({**body, "data": data}))


def data_of(operation: Operation, answer: Any) -> Any:
    """What an operation gave, as `data`."""
    data = _cased(answer.data if isinstance(answer, Listed) else answer)
    return _json(data) if operation.action in _TEXT_ANSWERS else data


def counts_of(answer: Any) -> dict[str, Any]:
    """What stands beside `data`, where it is a page."""
    if not isinstance(answer, Listed):
        return {}
    return {"nextToken": answer.next_token, "maxResults": answer.max_results, "count": answer.total_count}


def _cased(value: Any) -> Any:
    """The value with the names of structs in camelCase; those of plain maps are data, and stay."""
    if isinstance(value, list):
        return [_cased(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    return {camel(name): _member(name, getattr(value, name)) for name in value.__struct_fields__}


def _member(name: str, value: Any) -> Any:
    return _json(_cased(value)) if name in _TEXTS else _cased(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
