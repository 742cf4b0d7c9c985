"""The shapes of tools' results, made from their output schemas: nothing else is believed of what a guest answers."""

from typing import Any

import msgspec

from cove.core.errors import GuestMisbehaved
from cove.core.ids import SessionId
from cove.core.tool import Outcome, Tool

_SCALARS: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}


class Shapes:
    """One type per tool."""

    def __init__(self, tools: tuple[Tool, ...]) -> None:
        self._shapes = {tool.name: shape_of(tool.output_schema) for tool in tools}

    def check(self, session_id: SessionId, tool: Tool, outcome: Outcome) -> Outcome:
        """The outcome with only what its tool is to give; raises GuestMisbehaved if that is not in it."""
        if outcome.structured is None:
            return outcome
        try:
            result = msgspec.convert(outcome.structured, self._shapes[tool.name])
        except (msgspec.ValidationError, RecursionError) as error:
            raise GuestMisbehaved(session_id=session_id, reason=f"no result of {tool.name!r}: {error}") from error
        return Outcome(structured=msgspec.to_builtins(result))


def shape_of(schema: dict[str, Any]) -> Any:
    """A type whose values are those of a JSON schema of the kind that results have: no references, no unions.

    >>> msgspec.convert({"a": [1], "b": 2}, shape_of(
    ...     {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}}))
    Object(a=[1])
    """
    if schema["type"] == "array":
        return list[shape_of(schema["items"])]  # type: ignore[misc]  # a type made at run time
    if schema["type"] != "object":
        return _SCALARS[schema["type"]]
    if "properties" not in schema:
        return dict[str, shape_of(schema["additionalProperties"])]  # type: ignore[misc]  # a type made at run time
    required = schema.get("required", ())
    fields = [
        (name, shape_of(kind)) if name in required else (name, shape_of(kind) | msgspec.UnsetType, msgspec.UNSET)
        for name, kind in schema["properties"].items()
    ]
    return msgspec.defstruct("Object", fields, kw_only=True)
