"""The form's fields: flattened lists and maps put together again, and single values read as what they are to be."""

import re
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any

import msgspec

from cove.core.errors import InvalidInput

MOST_LEVELS = 8
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})
_LONGEST_SHOWN = 80
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
        raise InvalidInput(name=name[:_LONGEST_SHOWN], value="…", remedy=f"nest it less than {MOST_LEVELS} levels deep")
    for branch in branches:
        tree = tree.setdefault(branch, {})
        if not isinstance(tree, dict):
            break
    if not isinstance(tree, dict) or leaf in tree:
        raise InvalidInput(
            name=name[:_LONGEST_SHOWN], value=value[:_LONGEST_SHOWN], remedy="send a value, or its parts"
        )
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
        raise InvalidInput(name=name[:_LONGEST_SHOWN], value=shown, remedy="number a list from 1, without gaps")
    return [inner[str(number)] for number in range(1, len(inner) + 1)]


def read_value(name: str, value: Any, kind: Any) -> Any:
    """A field's value as `kind`; raises InvalidInput, naming the field as the client sent it."""
    if not isinstance(value, str):
        return _converted(name, value, kind)
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(name, value)
    return value if _takes_text(kind) else _from_json(name, value, kind)


def read_bool(name: str, value: str) -> bool:
    """A truth value, in any of its spellings.

    >>> read_bool("ManualRelease", "True"), read_bool("ManualRelease", "0")
    (True, False)
    """
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise InvalidInput(name=name, value=value[:_LONGEST_SHOWN], remedy="give true or false")
    return word in _TRUE


def read_whole(name: str, value: str) -> int:
    """A whole number, 1 and above: what counts pages, seconds and minutes."""
    if not re.fullmatch("[0-9]{1,12}", value.strip()) or int(value) < 1:
        raise InvalidInput(name=name, value=value[:_LONGEST_SHOWN], remedy="give a whole number, 1 or more")
    return int(value)


_READERS: dict[Any, Callable[[str, str], Any]] = {bool: read_bool, int: read_whole}


def _takes_text(kind: Any) -> bool:
    return kind is str or (isinstance(kind, UnionType) and str in kind.__args__)


def _from_json(name: str, text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        remedy = f"give it as JSON text ({_said(error)})"
        raise InvalidInput(name=name, value=text[:_LONGEST_SHOWN], remedy=remedy) from error


def _converted(name: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(name=name, value=str(value)[:_LONGEST_SHOWN], remedy=_said(error)) from error


def _said(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
