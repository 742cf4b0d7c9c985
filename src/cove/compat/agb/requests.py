"""Operations' requests, read from the query and from the body: names in camelCase, JSON as text or as it is."""

from functools import cache
from typing import Any

import msgspec

from cove.compat.operations import Operation
from cove.compat.operations.tools import CallTool
from cove.compat.operations.values import read_json, read_value, read_whole
from cove.core.errors import InvalidInput
from cove.core.lifetimes import LONGEST

_NAMES = {"idle_timeout": "timeout"}
_ODD_NAMES = {"Labels": "labels"}
"""What one endpoint spells in another way than the rest."""
_OF_THIS_GENERATION = "autoGenSession"
"""Sent with each call by all clients that take a command's result apart; older ones show it to people as it is."""


def read_body(body: bytes) -> dict[str, Any]:
    """The fields of the body, none where it is empty; raises InvalidInput for what is no JSON object."""
    fields: dict[str, Any] = read_json("body", body, dict[str, Any]) if body.strip() else {}
    return fields


def read_request(operation: Operation, fields: dict[str, Any], request_id: str) -> msgspec.Struct:
    """What the operation takes, from the fields that are there, and not empty; raises InvalidInput."""
    fields = {_ODD_NAMES.get(name, name): value for name, value in fields.items() if value is not None and value != ""}
    values = {}
    for name, wire_name, kind in _wire_fields(operation.request):
        if wire_name in fields:
            values[name] = (
                _seconds(fields[wire_name]) if name in _NAMES else read_value(wire_name, fields[wire_name], kind)
            )
    if operation.request is CallTool:
        values |= {"plain": _OF_THIS_GENERATION not in fields, "trace_id": request_id}
    return operation.request(**values)


@cache
def _wire_fields(request: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    return tuple(
        (field.name, _NAMES.get(field.name, camel(field.name)), field.type) for field in msgspec.structs.fields(request)
    )


def _seconds(value: Any) -> float:
    seconds = float(read_whole("timeout", str(value)))
    if seconds > LONGEST:
        raise InvalidInput(name="timeout", value=value, remedy=f"give at most {LONGEST:.0f} seconds")
    return seconds


@cache
def camel(name: str) -> str:
    """A name in the wire's casing.

    >>> camel("network_interface_ip")
    'networkInterfaceIp'
    """
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
