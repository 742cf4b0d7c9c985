"""What becomes of a guest's answer: whole where it is one, and never much larger than its bytes."""

import tracemalloc
from typing import Any

import msgspec
import pytest

from cove.core.frames import FrameRefused
from cove.node.answers import decode_answer

MIB = 1024 * 1024


def answer(content: bytes) -> bytes:
    """An answer with this JSON as its content."""
    return b'{"jsonrpc":"2.0","id":1,"result":{"isError":false,"structuredContent":' + content + b"}}"


@pytest.mark.parametrize("mark", [",", "[", "{", '"', "\\", "\x01", "ä"])
def test_large_text_of_any_character_is_kept(mark: str) -> None:
    output: dict[str, Any] = {"stdout": mark * MIB, "stderr": "", "exit_code": 3, "truncated": True}
    assert decode_answer(answer(msgspec.json.encode(output)))["result"]["structuredContent"] == output


def test_large_files_with_many_commas_are_kept() -> None:
    files = {"files": [{"path": f"/{name}", "content": "," * MIB, "error": ""} for name in range(3)]}
    assert decode_answer(answer(msgspec.json.encode(files)))["result"]["structuredContent"] == files


@pytest.mark.parametrize(
    "content",
    [
        b'{"x":[' + b"[]," * MIB + b"[]]}",
        b'{"entries":[' + b"{}," * MIB + b"{}]}",
        b'{"matches":[' + b'"ab",' * MIB + b'"ab"]}',
        b"{" + b",".join(b'"%d":0' % number for number in range(MIB)) + b"}",
        b'{"stdout":[' + b"[]," * MIB + b"[]]}",
    ],
    ids=["lists", "maps", "texts", "keys", "lists for a text"],
)
def test_answer_of_many_values_costs_little_memory(content: bytes) -> None:
    body = answer(content)
    tracemalloc.start()
    try:
        assert decode_answer(body)["result"]["structuredContent"] == {}
    except FrameRefused:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 2 * len(body)
