"""Values that a wire carries as text, or as JSON in text, read as what an operation takes."""

import re
from collections.abc import Callable
from types import UnionType
from typing import Any

import msgspec

from cove.core.errors import InvalidInput

LONGEST_SHOWN = 80
_TRUE, _FALSE = frozenset({"true", "1", "yes", "on"}), frozenset({"false", "0", "no", "off"})


def read_value(name: str, value: Any, kind: Any) -> Any:
    """A field's value as `kind`; raises InvalidInput, naming the field as the client sent it."""
    if kind is int and type(value) is int:  # which True is not
        value = str(value)
    if not isinstance(value, str):
        return _converted(name, value, kind)
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(name, value)
    return value if _takes_text(kind) else read_json(name, value, kind)


def read_bool(name: str, value: str) -> bool:
    """A truth value, in any of its spellings.

    >>> read_bool("ManualRelease", "True"), read_bool("ManualRelease", "0")
    (True, False)
    """
    word = value.strip().lower()
    if word not in _TRUE | _FALSE:
        raise InvalidInput(name=name, value=value[:LONGEST_SHOWN], remedy="give true or false")
    return word in _TRUE


def read_whole(name: str, value: str) -> int:
    """A whole number, 1 and above: what counts pages, seconds and minutes."""
    if not re.fullmatch("[0-9]{1,12}", value.strip()) or int(value) < 1:
        raise InvalidInput(name=name, value=value[:LONGEST_SHOWN], remedy="give a whole number, 1 or more")
    return int(value)


def read_json(name: str, text: str | bytes, kind: Any) -> Any:
    """What a JSON text holds, as `kind`."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        remedy = f"give it as JSON text ({_said(error)})"
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        raise InvalidInput(name=name, value=shown[:LONGEST_SHOWN], remedy=remedy) from error


_READERS: dict[Any, Callable[[str, str], Any]] = {bool: read_bool, int: read_whole}


def _takes_text(kind: Any) -> bool:
    return kind is str or (isinstance(kind, UnionType) and str in kind.__args__)


def _converted(name: str, value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInput(name=name, value=str(value)[:LONGEST_SHOWN], remedy=_said(error)) from error


def _said(error: Exception) -> str:
    return "nested too deep" if isinstance(error, RecursionError) else str(error)
