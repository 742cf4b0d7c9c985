"""Options of the form NAME=VALUE."""

import re

from cove.core.errors import InvalidInput

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)(?:i?B)?")


def read_pairs(option: str, texts: list[str] | None) -> dict[str, str]:
    """A map from `NAME=VALUE` texts; raises InvalidInput.

    >>> read_pairs("--label", ["team=blue", "note=a=b"])
    {'team': 'blue', 'note': 'a=b'}
    """
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise InvalidInput(name=option, value=text, remedy="give NAME=VALUE")
        pairs[name] = value
    return pairs


def read_amounts(option: str, texts: list[str] | None) -> dict[str, int | float]:
    """The same with numbers, which may end in K, M, G or T; raises InvalidInput.

    >>> read_amounts("--limit", ["memory_bytes=512M", "cpus=0.5"])
    {'memory_bytes': 536870912, 'cpus': 0.5}
    """
    return {name: _amount(option, value) for name, value in read_pairs(option, texts).items()}


def _amount(option: str, text: str) -> int | float:
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise InvalidInput(name=option, value=text, remedy="give a number such as 2, 0.5, 512M or 8G")
    number = float(found[1]) * _UNITS[found[2]]
    return int(number) if number.is_integer() and "." not in found[1] else number
