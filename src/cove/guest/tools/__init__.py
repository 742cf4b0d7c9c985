"""The tools, one module per family. A new family is a new module and its name here."""

from functools import cache
from types import ModuleType
from typing import Any

from cove.core.tool import Tool
from cove.guest.toolkit import ToolFunction
from cove.guest.tools import files, shell, system

__all__ = ["catalogue", "tool_functions"]

_FAMILIES: tuple[ModuleType, ...] = (shell, files, system)


@cache
def tool_functions() -> dict[str, ToolFunction[Any, Any]]:
    """Every tool by its name, in the order of definition."""
    found = [value for family in _FAMILIES for value in vars(family).values() if isinstance(value, ToolFunction)]
    return {function.name: function for function in found}


@cache
def catalogue() -> tuple[Tool, ...]:
    """What the tools look like from outside. Their examples work in a fresh session when run in this order."""
    return tuple(function.describe() for function in tool_functions().values())
