"""The reader of heads agrees with llhttp, which Node and uvicorn use, on all that it takes."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cove.gateway.head import HttpError, parse_request, parse_response, write_request

NAMES = st.text("abcXYZ-_0!", min_size=1, max_size=12)
VALUES = st.text("abc ,;=\t\x80\xff\"'()", max_size=20)
NOISE = st.text("GET /a HTTP/1.1:\r\n\t \0X-content-length,5;\x0b\x7f\x80", max_size=60)


class Heard:
    """What llhttp says of a message."""

    def __init__(self) -> None:
        self.url = b""
        self.fields: list[tuple[bytes, bytes]] = []

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_every_head_that_is_written_by_the_letter_is_read(fields: list[tuple[str, str]]) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields)
    head = f"GET /path?query HTTP/1.1\r\n{lines}\r\n".encode("latin-1")

    read = parse_request(head)

    assert (read.method, read.target, read.minor) == ("GET", "/path?query", 1)
    assert read.fields.pairs == [(name, value.strip("\t ")) for name, value in fields]
    assert parse_request(write_request("GET", read.target, read.fields.pairs)).fields.pairs == read.fields.pairs


@given(NOISE, NOISE)
def test_whatever_is_read_llhttp_reads_alike(noise: str, more: str) -> None:
    head = f"GET /path HTTP/1.1\r\nHost: a\r\n{noise}\r\n{more}: x\r\n\r\n".encode("latin-1")
    try:
        read = parse_request(head)
        read.fields.length()
    except HttpError:
        return
    heard = Heard()
    httptools.HttpRequestParser(heard).feed_data(head)

    assert heard.url == read.target.encode()
    assert [
        (name.decode("latin-1"), value.decode("latin-1").strip()) for name, value in heard.fields
    ] == read.fields.pairs


@given(st.binary(max_size=200))
def test_bytes_that_are_no_head_are_refused_and_nothing_else(data: bytes) -> None:
    for parse in (parse_request, parse_response):
        with pytest.raises(HttpError):
            parse(data + b"\r\n\r\n")
