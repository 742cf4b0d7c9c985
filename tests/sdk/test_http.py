"""The sync client's reading of HTTP: as the standard library reads it, however it is cut into pieces, or not at all."""

import contextlib
import http.client
import io
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cove.sdk._wire.http import AnswerReader, CutShort, NotHttp, request_bytes

ANSWERS = {
    "a length": b"HTTP/1.1 200 OK\r\nX-Request-Id: r-1\r\nContent-Length: 5\r\n\r\nhello",
    "nothing": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\nX-Request-Id: r-1\r\n\r\n",
    "no reason": b"HTTP/1.1 404\r\ncontent-length:2\r\n\r\n{}",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\nhel\r\n2;a=b\r\nlo\r\n0\r\nX-Late: 1\r\n\r\n",
    "a word before": b"HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    "a goodbye": b"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",
    "an old server": b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
}
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\nX-A: \xe9\r\n\r\nas long as it lasts"
NO_ANSWERS = {
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n",
    "a later version": b"HTTP/2 200\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "a length in another script": "HTTP/1.1 200 OK\r\nContent-Length: ٣\r\n\r\n".encode(),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "a line that is no field": b"HTTP/1.1 200 OK\r\nhello\r\n\r\n",
    "a folded line": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
    "another server's protocol": b"HTTP/1.1 101 OK\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    "a chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n",
    "a chunk longer than its size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhello\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 50_000,
    "a chunk without an end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 300_000,
}


def read(pieces: list[bytes]) -> AnswerReader:
    reader = AnswerReader()
    for piece in pieces:
        reader.feed(piece)
    return reader


class FakeSocket:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._data)


def as_the_library_reads(data: bytes) -> tuple[int, bytes, bool]:
    answer = http.client.HTTPResponse(FakeSocket(data))  # type: ignore[arg-type]  # it only makes a file of it
    answer.begin()
    if answer.status == 103:  # newer ones skip it by themselves
        return as_the_library_reads(data.partition(b"\r\n\r\n")[2])
    return answer.status, answer.read(), answer.will_close


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_are_read_as_the_standard_library_reads_them(name: str) -> None:
    reader = read([ANSWERS[name]])
    assert reader.is_whole
    assert (reader.status, reader.body, reader.closes) == as_the_library_reads(ANSWERS[name])


@given(name=st.sampled_from(sorted(ANSWERS)), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_it_does_not_matter_how_an_answer_is_cut(name: str, cuts: list[int]) -> None:
    data = ANSWERS[name]
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    reader = read([data[start:end] for start, end in itertools.pairwise(places)])
    whole = read([data])
    assert (reader.status, reader.fields, reader.body) == (whole.status, whole.fields, whole.body)
    assert reader.is_whole


def test_without_a_length_an_answer_ends_with_its_connection() -> None:
    reader = read([UNTIL_THE_END[:-5], UNTIL_THE_END[-5:]])
    assert not reader.is_whole
    reader.end()
    assert (reader.is_whole, reader.body, reader.closes) == (True, b"as long as it lasts", True)
    assert reader.fields["x-a"] == "é"


@pytest.mark.parametrize("name", NO_ANSWERS)
def test_what_is_no_answer_is_refused(name: str) -> None:
    with pytest.raises(NotHttp):
        read([NO_ANSWERS[name]])


def test_what_is_no_http_is_refused_at_its_first_byte() -> None:
    with pytest.raises(NotHttp):
        read([b"S"])


@pytest.mark.parametrize("name", [name for name in ANSWERS if name != "nothing"])
def test_half_an_answer_is_none(name: str) -> None:
    for size in range(len(ANSWERS[name]) - 1):
        reader = read([ANSWERS[name][:size]])
        assert not reader.is_whole
        with pytest.raises(CutShort):
            reader.end()


def test_a_server_that_says_more_than_was_asked_is_asked_nothing_more() -> None:
    assert read([ANSWERS["a length"] + b"HTTP/1.1 200 OK\r\n"]).closes


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_refused(data: bytes) -> None:
    for beginning in (b"", b"HTTP/1.1 200 OK\r\n", ANSWERS["chunks"][:47]):
        with contextlib.suppress(NotHttp):
            read([beginning + data])


@pytest.mark.parametrize("headers", [{"A": "b\r\nC: d"}, {"A": "b\nc"}, {"A": "\0"}, {"A": "ключ"}])
def test_no_header_ends_its_line(headers: dict[str, str]) -> None:
    with pytest.raises(NotHttp, match="its header A"):
        request_bytes("GET", "/", headers, None)


@pytest.mark.parametrize("target", ["/a b", "/a\r\nHost: evil", "/é", "", "/\x7f"])
def test_no_path_ends_its_line(target: str) -> None:
    with pytest.raises(NotHttp, match="its path"):
        request_bytes("GET", target, {}, None)


def test_a_body_brings_its_length() -> None:
    assert (
        request_bytes("POST", "/x", {"Host": "cove"}, b"{}")
        == b"POST /x HTTP/1.1\r\nHost: cove\r\nContent-Length: 2\r\n\r\n{}"
    )
