"""What labels may be: a few short pieces of text on a session, to find it again."""

from typing import Any

from cove.core.errors import InvalidLabels

MAX_LABELS = 64
MAX_CHARACTERS = 512


def check_labels(labels: Any) -> dict[str, str]:
    """Give the labels back if they are valid; raises InvalidLabels.

    >>> check_labels({"team": "blue"})
    {'team': 'blue'}
    """
    if not isinstance(labels, dict) or not labels:
        raise InvalidLabels(value=labels, remedy="give at least one label, as {'name': 'value'}")
    if len(labels) > MAX_LABELS:
        raise InvalidLabels(value=f"{len(labels)} labels", remedy=f"at most {MAX_LABELS} are kept")
    for key, value in labels.items():
        _check_text(key)
        _check_text(value)
    return labels


def _check_text(text: Any) -> None:
    if not isinstance(text, str) or not text.strip():
        raise InvalidLabels(value=text, remedy="names and values are non-empty text")
    if len(text) > MAX_CHARACTERS or "\0" in text:
        raise InvalidLabels(
            value=text[:40], remedy=f"names and values have at most {MAX_CHARACTERS} characters and no NUL"
        )
