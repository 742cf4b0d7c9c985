"""Decodes what a guest answers so that no answer costs many times its bytes in memory, whatever is in it.

A frame full of empty lists would become twenty times its size, and hold up every other session meanwhile. Only texts
make a real answer large: beyond a number of values, nothing but the results with texts is made of an answer.
"""

from typing import Annotated, Any

import msgspec

from cove.core.frames import FrameRefused, decode_message
from cove.core.results import CommandOutput, Edited, FileContent, FileContents, NamedContent

_MOST_VALUES = 500_000
_MOST_FILES = 10_000
_WITH_TEXTS = (CommandOutput, FileContent, FileContents, Edited)
_FIELDS = {field.name: field.type for result in _WITH_TEXTS for field in msgspec.structs.fields(result)}
_FIELDS["files"] = Annotated[list[NamedContent], msgspec.Meta(max_length=_MOST_FILES)]
_Texts: Any = msgspec.defstruct(
    "_Texts", [(name, kind | msgspec.UnsetType, msgspec.UNSET) for name, kind in _FIELDS.items()]
)


class _Result(msgspec.Struct):
    structuredContent: _Texts  # noqa: N815 - MCP's name


class _LargeAnswer(msgspec.Struct):
    """Whatever else is in the answer is skipped unread."""

    id: int
    result: _Result


def decode_answer(body: bytes) -> dict[str, Any]:
    """A frame's body as a message; raises FrameRefused."""
    # commas and brackets in texts count too: a large text that has many only takes the narrower way
    if sum(body.count(mark) for mark in (b",", b"[", b"{")) <= _MOST_VALUES:
        return decode_message(body)
    try:
        answer = msgspec.json.decode(body, type=_LargeAnswer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise FrameRefused(f"a large frame that is no answer with texts: {error}") from error
    builtins: dict[str, Any] = msgspec.to_builtins(answer)
    return builtins
