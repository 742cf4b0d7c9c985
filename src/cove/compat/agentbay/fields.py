"""The form's fields: flattened lists and maps put together again."""

import re
from collections.abc import Mapping
from typing import Any

from cove.compat.operations.values import LONGEST_SHOWN
from cove.core.errors import InvalidInput

MOST_LEVELS = 8
_INDEX = re.compile("[0-9]+")


def nested(fields: Mapping[str, str]) -> dict[str, Any]:
    """Fields whose dotted names are resolved; raises InvalidInput for lists with gaps, and for names at odds.

    >>> nested({"Types.1": "a", "Types.2": "b", "Rule.Apps.1": "c", "Name": "d"})
    {'Types': ['a', 'b'], 'Rule': {'Apps': ['c']}, 'Name': 'd'}
    """
    tree: dict[str, Any] = {}
    for name, value in fields.items():
        _plant(tree, name, value)
    return {name: _listed(name, value) for name, value in tree.items()}


def _plant(tree: dict[str, Any], name: str, value: str) -> None:
    *branches, leaf = name.split(".")
    if len(branches) >= MOST_LEVELS:
        raise InvalidInput(name=name[:LONGEST_SHOWN], value="…", remedy=f"nest it less than {MOST_LEVELS} levels deep")
    for branch in branches:
        tree = tree.setdefault(branch, {})
        if not isinstance(tree, dict):
            break
    if not isinstance(tree, dict) or leaf in tree:
        raise InvalidInput(name=name[:LONGEST_SHOWN], value=value[:LONGEST_SHOWN], remedy="send a value, or its parts")
    tree[leaf] = value


def _listed(name: str, value: Any) -> Any:
    """The value, with each map whose names are numbers made the list that it stands for."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(f"{name}.{key}", item) for key, item in value.items()}
    if not all(_INDEX.fullmatch(key) for key in inner):
        return inner
    if inner.keys() != {str(number) for number in range(1, len(inner) + 1)}:
        shown = ", ".join(list(inner)[:5])
        raise InvalidInput(name=name[:LONGEST_SHOWN], value=shown, remedy="number a list from 1, without gaps")
    return [inner[str(number)] for number in range(1, len(inner) + 1)]
