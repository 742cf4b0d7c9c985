"""The relay where the kernel has no redirect: programs ask it as a proxy, and the policy is the same."""

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.relaying import NAMED, OWN, SESSION, Inside, echo, needs_network, relaying, serving

from cove.core.network import NetworkPolicy
from cove.node.netns import RELAY_PORT
from cove.node.relay.proxy import parse_wish

REFUSED = {"status": "HTTP/1.1 403 Forbidden"}


@pytest.fixture
def bare(outside: None) -> Iterator[Inside]:
    """A sandbox's network with `lo` and nothing else."""
    client = Inside("bare")
    yield client
    client.close()


@needs_network
@pytest.mark.anyio
async def test_allowed_host_is_reached_through_the_proxy_and_counted(bare: Inside) -> None:
    async with serving(NAMED, echo) as port, relaying(bare, f"{NAMED}:{port}") as relay:
        assert await bare.ask(do="through_proxy", target=f"{NAMED}:{port}", send="hi") == {"received": "got hi"}
        assert await relay.usage(SESSION) == (6, 2)


@needs_network
@pytest.mark.anyio
async def test_allowed_name_is_reached_through_the_proxy(bare: Inside) -> None:
    async with serving("127.0.0.1", echo) as port, relaying(bare, f"localhost:{port}", f"127.0.0.1:{port}"):
        assert await bare.ask(do="through_proxy", target=f"LOCALHOST:{port}", send="hi") == {"received": "got hi"}


@needs_network
@pytest.mark.anyio
async def test_plain_request_is_handed_on_for_its_host_alone(bare: Inside) -> None:
    async with serving(NAMED, echo) as port, relaying(bare, f"{NAMED}:{port}"):
        said = f"GET http://{NAMED}:{port}/a?b HTTP/1.1\r\nHost: other.test\r\nProxy-Connection: keep-alive\r\n\r\nmore"
        answer = await bare.ask(do="exchange", host="127.0.0.1", port=RELAY_PORT, send=said)
        assert answer["received"] == f"got GET /a?b HTTP/1.1\r\nHost: {NAMED}:{port}\r\nConnection: close\r\n\r\nmore"


@needs_network
@pytest.mark.anyio
@pytest.mark.parametrize("place", [OWN, "169.254.169.254", "10.0.0.1", "127.0.0.1", "[::1]", "[::ffff:10.0.0.1]"])
@pytest.mark.parametrize("mode", ["rules", "open", "none"])
async def test_what_the_policy_does_not_allow_is_refused_with_a_sentence(bare: Inside, place: str, mode: str) -> None:
    policy = NetworkPolicy(mode=mode, allow=(NAMED,) if mode == "rules" else ())  # type: ignore[arg-type] # a mode
    async with serving(OWN, echo) as port, relaying(bare, NAMED, policy=policy):
        assert await bare.ask(do="through_proxy", target=f"{place}:{port}", send="x") == REFUSED


@needs_network
@pytest.mark.anyio
async def test_name_that_no_rule_names_is_refused_without_asking_for_it(bare: Inside) -> None:
    async with relaying(bare, NAMED):
        assert await bare.ask(do="through_proxy", target="secret.b.test:80", send="x") == REFUSED


@needs_network
@pytest.mark.anyio
async def test_allowed_host_that_does_not_answer_is_a_bad_gateway(bare: Inside) -> None:
    async with relaying(bare, f"{NAMED}:9"):
        answer = await bare.ask(do="through_proxy", target=f"{NAMED}:9", send="x")
        assert answer == {"status": "HTTP/1.1 502 Bad Gateway"}


@needs_network
@pytest.mark.anyio
@pytest.mark.parametrize(
    "said", ["hello\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "CONNECT a b HTTP/1.1\r\n\r\n", "\r\n\r\n"]
)
async def test_what_is_no_request_for_a_proxy_is_broken_off(bare: Inside, said: str) -> None:
    async with relaying(bare, NAMED):
        answer = await bare.ask(do="exchange", host="127.0.0.1", port=RELAY_PORT, send=said)
        assert "failed" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"CONNECT a.test HTTP/1.1", b"CONNECT a.test:0 HTTP/1.1", b"CONNECT a.test:99999 HTTP/1.1",
        b"CONNECT user@a.test:1 HTTP/1.1", b"CONNECT a.test:1 HTTP/2", b"GET https://a.test/ HTTP/1.1",
        b"GET http://a.test/ HTTP/1.1\r\nHost : a", b"GET http://a.test/ HTTP/1.1\r\n folded",
        b"GET http:///x HTTP/1.1",
        b"GET http://a.test/ HTTP/1.1\nHost: b", b"GET http://u:p@a.test/ HTTP/1.1", b"get http://a.test/ HTTP/1.1",
    ],
)  # fmt: skip
def test_ambiguous_request_is_none(head: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_wish(head + b"\r\n\r\n")


def test_words_that_come_before_the_answer_to_connect_are_none() -> None:
    with pytest.raises(ValueError, match="before"):
        parse_wish(b"CONNECT a.test:1 HTTP/1.1\r\n\r\nearly")


@given(
    received=st.binary(max_size=300)
    | st.binary(max_size=200).map(lambda b: b"CONNECT a:1 HTTP/1.1\r\n" + b + b"\r\n\r\n")
)
def test_any_bytes_are_a_wish_or_none(received: bytes) -> None:
    with suppress(ValueError):
        wish = parse_wish(received)
        assert 0 < wish.port < 65536
        assert wish.host
