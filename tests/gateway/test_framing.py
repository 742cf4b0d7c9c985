"""A body is found in whatever pieces it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cove.gateway.framing import Chunked, Counted, Endless, Framing
from cove.gateway.head import HttpError

PARTS = st.lists(st.binary(min_size=1, max_size=300), max_size=6)


def fed(framing: Framing, data: bytes, size: int) -> tuple[bytes, bytes]:
    """What comes of `data` in pieces of `size`: the body, and what follows it."""
    body, rest = b"", b""
    for at in range(0, len(data), size):
        if framing.is_done:
            rest += data[at : at + size]
            continue
        part, more = framing.take(data[at : at + size])
        body, rest = body + part, rest + more
    return body, rest


@given(PARTS, st.integers(1, 64), st.booleans())
def test_chunks_are_read_in_any_pieces(parts: list[bytes], size: int, has_trailer: bool) -> None:
    chunks = b"".join(b"%X ;x=y\r\n%b\r\n" % (len(part), part) for part in parts)
    trailer = b"X-Sum: 1\r\n" if has_trailer else b""
    framing = Chunked()

    assert fed(framing, chunks + b"00\r\n" + trailer + b"\r\nNEXT", size) == (b"".join(parts), b"NEXT")
    assert framing.is_done


@given(st.binary(max_size=200), st.integers(1, 64))
def test_a_counted_body_ends_at_its_length(body: bytes, size: int) -> None:
    framing = Counted(len(body))

    assert fed(framing, body + b"NEXT", size) == (body, b"NEXT")
    assert framing.is_done


@given(st.binary(max_size=200), st.integers(1, 64))
def test_an_endless_body_is_all_there_is(body: bytes, size: int) -> None:
    framing = Endless()

    assert fed(framing, body, size) == (body, b"")
    assert not framing.is_done


@given(st.binary(max_size=300), st.integers(1, 64))
def test_no_bytes_break_the_reader_of_chunks(data: bytes, size: int) -> None:
    framing = Chunked()
    try:
        body, _ = fed(framing, data, size)
    except HttpError:
        return
    assert len(body) <= len(data)


def test_a_chunk_cut_short_is_not_done() -> None:
    framing = Chunked()
    framing.take(b"5\r\nhel")
    assert not framing.is_done


def test_many_tiny_chunks_cost_no_more_than_their_bytes() -> None:
    framing = Chunked()
    body, _ = framing.take(b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
    assert body == b"x" * 20_000


@pytest.mark.parametrize("size", [b"", b"g", b" 5", b"5 5", b"0x5"])
def test_a_size_is_hexadecimal_digits(size: bytes) -> None:
    with pytest.raises(HttpError):
        Chunked().take(size + b"\r\nhello\r\n")
