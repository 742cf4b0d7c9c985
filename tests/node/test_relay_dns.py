"""DNS and TLS messages as hostile programs send them, and the addresses that stand for names."""

import ssl
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cove.core.network import NetworkPolicy
from cove.node.relay.addresses import POOL, Addresses
from cove.node.relay.dns import Code, FrameReader, Kind, build_answer, frame, parse_query
from cove.node.relay.hello import HelloGate
from cove.node.relay.policy import Policy
from cove.node.relay.tls import Unfinished, server_name


def named(entries: tuple[str, ...]) -> Policy:
    return Policy(NetworkPolicy(mode="rules", allow=entries))


def ask(
    name: str, kind: int = Kind.A, *, space: int = 1, extra: bytes = b"", counts: tuple[int, ...] = (1, 0, 0, 0)
) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 0x1234, 0x0100, *counts) + labels + struct.pack("!BHH", 0, kind, space) + extra


def answer_to(addresses: Addresses, message: bytes) -> bytes:
    query = parse_query(message)
    assert query is not None
    return addresses.answer(query)


def code_of(answer: bytes) -> int:
    return answer[3] & 15


@given(message=st.binary(max_size=600))
def test_any_bytes_get_an_answer_or_none(message: bytes) -> None:
    query = parse_query(message)
    if query is not None:
        answer = Addresses(named(("a.test",))).answer(query)
        assert answer[:2] == message[:2]
        assert answer[2] & 0x80
        assert len(answer) <= len(message) + 32


@given(message=st.binary(max_size=200))
def test_any_bytes_after_a_header_with_one_question_are_survived(message: bytes) -> None:
    query = parse_query(struct.pack("!HHHHHH", 1, 0, 1, 0, 0, 0) + message)
    assert query is not None
    Addresses(named(("*.test",))).answer(query)


@pytest.mark.parametrize("case", ["allowed.test", "ALLOWED.test", "aLLoWeD.TeSt"])
def test_answer_repeats_the_question_letter_by_letter(case: str) -> None:
    answer = answer_to(Addresses(named(("allowed.test",))), ask(case))
    assert case.split(".", maxsplit=1)[0].encode() in answer
    assert answer[-4:] == POOL[1].packed


@pytest.mark.parametrize("kind", [28, 65, 64, 16, 15, 33, 257])
def test_other_records_of_an_allowed_name_are_empty(kind: int) -> None:
    answer = answer_to(Addresses(named(("a.test",))), ask("a.test", kind))
    assert (code_of(answer), answer[6:8]) == (Code.OK, b"\0\0")


def test_any_is_answered_with_the_address() -> None:
    assert answer_to(Addresses(named(("a.test",))), ask("a.test", Kind.ANY))[-4:] == POOL[1].packed


@pytest.mark.parametrize(
    "name", ["b.test", "x.a.test", "_http._tcp.a.test", "atest", "test", "127.0.0.1", "2130706433"]
)
def test_name_that_is_not_allowed_does_not_exist(name: str) -> None:
    answer = answer_to(Addresses(named(("a.test",))), ask(name))
    assert (code_of(answer), answer[6:8]) == (Code.NO_SUCH_NAME, b"\0\0")


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (ask("a.test", counts=(2, 0, 0, 0)), Code.MALFORMED),
        (ask("a.test", counts=(0, 0, 0, 0)), Code.MALFORMED),
        (ask("a.test", counts=(65535, 65535, 65535, 65535)), Code.MALFORMED),
        (ask("a.test", counts=(1, 1, 0, 0)), Code.MALFORMED),
        (ask("a.test")[:-3], Code.MALFORMED),
        (ask("a.test", space=3), Code.REFUSED),
        (ask("a.test")[:12] + b"\xc0\x0c\x00\x01\x00\x01", Code.MALFORMED),
        (ask("a.test")[:12] + b"\x01a\xc0\x0c\x00\x01\x00\x01", Code.MALFORMED),
        (ask("a.test")[:12] + b"\x3f" + b"a" * 20, Code.MALFORMED),
        (ask(".".join(["a" * 60] * 5)), Code.MALFORMED),
        (ask("a.test")[:12] + b"\x03a.b\x00\x00\x01\x00\x01", Code.MALFORMED),
        (ask("a.test")[:12] + b"\x02\xff\xfe\x00\x00\x01\x00\x01", Code.MALFORMED),
        (b"\x12\x34\x28\x00" + ask("a.test")[4:], Code.NOT_IMPLEMENTED),
    ],
)
def test_hostile_message_is_refused_by_its_code(message: bytes, code: Code) -> None:
    assert code_of(answer_to(Addresses(named(("a.test",))), message)) == code


@pytest.mark.parametrize("message", [b"", b"\0" * 11, b"\x12\x34\x80\x00" + ask("a.test")[4:], b"\0" * 5000])
def test_no_query_gets_no_answer(message: bytes) -> None:
    assert parse_query(message) is None


def test_options_are_answered_with_options() -> None:
    query = ask("a.test", counts=(1, 0, 0, 1), extra=b"\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00")
    answer = answer_to(Addresses(named(("a.test",))), query)
    assert (answer[10:12], answer[-11:-8]) == (b"\0\1", b"\x00\x00\x29")


def test_address_gives_its_name_back() -> None:
    addresses = Addresses(named(("a.test", "*.wild.test")))
    answer = answer_to(addresses, ask("1.0.18.198.in-addr.arpa", Kind.PTR))
    assert answer.endswith(b"\x01a\x04test\x00")
    for other in ("9.0.18.198.in-addr.arpa", "x.in-addr.arpa", "1.0.0.127.in-addr.arpa"):
        assert code_of(answer_to(addresses, ask(other, Kind.PTR))) == Code.NO_SUCH_NAME


def test_names_of_wildcards_cannot_use_up_the_addresses_of_those_spelled_out() -> None:
    addresses = Addresses(named(("*.wild.test", "a.test")))
    first = answer_to(addresses, ask("n0.wild.test"))[-4:]
    for number in range(1, 17000):
        answer_to(addresses, ask(f"n{number}.wild.test"))
    assert addresses.name(POOL[1]) == "a.test"
    assert addresses.name(POOL[2 + 16999 - 16384]) == "n16999.wild.test"
    assert first == POOL[2].packed


@given(messages=st.lists(st.binary(max_size=300), max_size=5), cut=st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_they_were_cut(messages: list[bytes], cut: int) -> None:
    stream, reader = b"".join(map(frame, messages)), FrameReader()
    received = [message for at in range(0, len(stream), cut) for message in reader.feed(stream[at : at + cut])]
    assert received == messages


def test_frame_longer_than_any_query_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="65535"):
        FrameReader().feed(b"\xff\xff")


def test_answer_without_a_question_has_none() -> None:
    query = parse_query(ask("a.test", counts=(0, 0, 0, 0)))
    assert query is not None
    assert build_answer(query, code=query.problem)[4:] == b"\0" * 8


def hello(name: str | None) -> bytes:
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(received, sent, server_hostname=name).do_handshake()
    return sent.read()


def test_hello_tells_its_host_only_when_it_is_whole() -> None:
    whole = hello("Mirror.Test")
    assert server_name(whole) == "mirror.test"
    for length in range(len(whole)):
        with pytest.raises(Unfinished):
            server_name(whole[:length])


def test_hello_in_many_records_is_read_like_one_in_one() -> None:
    body = hello("mirror.test")[5:]
    pieces = [body[at : at + 100] for at in range(0, len(body), 100)]
    stream = b"".join(b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in pieces)
    assert server_name(stream) == "mirror.test"


@given(stream=st.binary(max_size=300) | st.binary(max_size=300).map(lambda rest: b"\x16\x03\x01\x01\x00\x01" + rest))
def test_any_bytes_name_a_host_or_none(stream: bytes) -> None:
    with suppress(Unfinished):
        server_name(stream)


@pytest.mark.parametrize("stream", [b"GET / HTTP/1.1\r\n", b"SSH-2.0-x", b"\x17\x03\x03\x00\x01a", hello(None)])
def test_what_names_no_host_passes(stream: bytes) -> None:
    assert HelloGate("a.test".__eq__)(stream) == stream


def test_hello_for_another_host_is_refused_however_it_is_cut() -> None:
    whole = hello("other.test")
    for cut in (1, 5, 100, len(whole) - 1):
        gate = HelloGate("a.test".__eq__)
        assert gate(whole[:cut]) == b""
        assert gate(whole[cut:]) is None


def test_hello_that_dribbles_in_is_refused() -> None:
    gate, whole = HelloGate("a.test".__eq__), hello("a.test")
    outcomes = [gate(whole[at : at + 1]) for at in range(100)]
    assert None in outcomes
    assert not any(outcomes)
