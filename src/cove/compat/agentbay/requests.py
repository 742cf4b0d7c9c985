"""Operations' requests, read from the form: names in PascalCase, and lifetimes in the clients' odd units."""

from functools import cache
from typing import Any

import msgspec

from cove.compat.operations import Operation
from cove.compat.operations.tools import CallTool
from cove.compat.operations.values import read_value, read_whole
from cove.core.errors import InvalidInput
from cove.core.lifetimes import LONGEST

_OF_LATER_GENERATIONS = frozenset({"AutoGenSession", "Server"})
"""Either is sent with each call by all clients that take a command's result apart; the first show it as it is."""
_MINUTE = 60.0
_LIFETIMES = {"idle_timeout": "Timeout", "max_lifetime": "MaxRuntime"}


def read_request(operation: Operation, fields: dict[str, Any], request_id: str) -> msgspec.Struct:
    """What the operation takes, from the fields that are there, and not empty; raises InvalidInput."""
    values = {}
    for name, wire_name, kind in _wire_fields(operation.request):
        if (value := fields.get(wire_name, "")) != "":
            values[name] = read_value(wire_name, value, kind)
    if "idle_timeout" in operation.request.__struct_fields__:
        values |= _lifetimes(fields)
    if operation.request is CallTool:
        values |= {"plain": _OF_LATER_GENERATIONS.isdisjoint(fields), "trace_id": request_id}
    return operation.request(**values)


@cache
def _wire_fields(request: type[msgspec.Struct]) -> tuple[tuple[str, str, Any], ...]:
    fields = (field for field in msgspec.structs.fields(request) if field.name not in _LIFETIMES)
    return tuple((field.name, pascal(field.name), field.type) for field in fields)


def _lifetimes(fields: dict[str, Any]) -> dict[str, float]:
    """Seconds: `Timeout` counts them where it comes alone, and minutes where `MaxRuntime` comes with it."""
    unit = _MINUTE if fields.get("MaxRuntime") else 1.0
    given = {name: wire_name for name, wire_name in _LIFETIMES.items() if fields.get(wire_name)}
    return {name: _seconds(wire_name, fields[wire_name], unit) for name, wire_name in given.items()}


def _seconds(name: str, value: Any, unit: float) -> float:
    seconds = read_whole(name, str(value)) * unit
    if seconds > LONGEST:
        remedy = f"give at most {LONGEST / unit:.0f} {'minutes' if unit == _MINUTE else 'seconds'}"
        raise InvalidInput(name=name, value=value, remedy=remedy)
    return seconds


@cache
def pascal(name: str) -> str:
    """A name in the wire's casing.

    >>> pascal("network_interface_ip")
    'NetworkInterfaceIp'
    """
    return "".join(word.capitalize() for word in name.split("_"))
