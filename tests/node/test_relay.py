"""The relay as a session meets it: a network namespace with `lo` only, a client inside, servers of ours outside."""

import asyncio
import json
import os
import signal
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.node.relaying import (
    BOUND,
    FOREIGN,
    NAMED,
    OWN,
    SESSION,
    Inside,
    address_in,
    code_of,
    echo,
    needs_network,
    question,
    relaying,
    rules,
    serving,
)
from tests.waiting import until

from cove.core.errors import InvalidNetwork
from cove.core.ids import SessionId
from cove.node.relay import LogFile, Relay

pytestmark = [pytest.mark.anyio, needs_network]


async def test_named_literal_is_reached_with_half_close_and_bytes_counted(inside: Inside) -> None:
    async with serving(NAMED, echo) as port, relaying(inside, f"{NAMED}:{port}") as relay:
        assert await inside.ask(do="exchange", host=NAMED, port=port, send="hello") == {"received": "got hello"}
        assert await relay.usage(SESSION) == (9, 5)


async def test_allowed_name_gets_a_synthetic_address_that_leads_to_it(inside: Inside) -> None:
    async with serving("127.0.0.1", echo) as port, relaying(inside, f"localhost:{port}", f"127.0.0.1:{port}"):
        answer = await inside.ask(do="udp", host="127.0.0.1", send=question("LocalHost"))
        assert b"LocalHost" in bytes.fromhex(answer["received"])
        synthetic = address_in(answer["received"])
        assert synthetic.startswith("198.18.")
        assert await inside.ask(do="exchange", host=synthetic, port=port, send="hi") == {"received": "got hi"}


@pytest.mark.parametrize("how", ["udp", "tcp"])
@pytest.mark.parametrize("resolver", ["127.0.0.1", "192.0.2.53"])
async def test_every_resolver_and_both_transports_answer_alike(inside: Inside, how: str, resolver: str) -> None:
    async with relaying(inside, "allowed.test"):
        allowed = await inside.ask(do=how, host=resolver, send=question("allowed.test"))
        assert address_in(allowed["received"]) == "198.18.0.1"
        other = await inside.ask(do=how, host=resolver, send=question("secret-data.attacker.test"))
        assert (code_of(other["received"]), address_in(other["received"])) == (3, "")
        no_ipv6 = await inside.ask(do=how, host=resolver, send=question("allowed.test", 28))
        assert (code_of(no_ipv6["received"]), address_in(no_ipv6["received"])) == (0, "")


@pytest.mark.parametrize("host", [OWN, "203.0.113.200", "169.254.169.254", "10.0.0.1", "198.18.77.77", "8.8.8.8"])
async def test_nothing_else_is_reached(inside: Inside, host: str) -> None:
    async with (
        serving(OWN, echo) as port,
        relaying(inside, f"{NAMED}:{port}", "203.0.113.8/31", f"allowed.test:{port}"),
    ):
        assert await inside.ask(do="exchange", host=host, port=port, send="x") == {"failed": "ConnectionResetError"}


async def test_own_address_is_not_opened_by_a_block(inside: Inside) -> None:
    async with serving(OWN, echo) as port, relaying(inside, f"203.0.113.0/24:{port}"):
        assert await inside.ask(do="exchange", host=OWN, port=port, send="x") == {"failed": "ConnectionResetError"}


async def test_name_that_leads_to_loopback_is_refused_unless_the_literal_is_named(inside: Inside) -> None:
    async with serving("127.0.0.1", echo) as port, relaying(inside, f"localhost:{port}"):
        answer = await inside.ask(do="udp", host="127.0.0.1", send=question("localhost"))
        reached = await inside.ask(do="exchange", host=address_in(answer["received"]), port=port, send="x")
        assert reached == {"failed": "ConnectionResetError"}


async def test_port_that_is_not_named_is_refused(inside: Inside) -> None:
    async with serving(NAMED, echo) as port, relaying(inside, NAMED):
        assert await inside.ask(do="exchange", host=NAMED, port=port, send="x") == {"failed": "ConnectionResetError"}


async def test_upstream_that_refuses_shows_as_a_reset(inside: Inside) -> None:
    async with relaying(inside, f"{NAMED}:9"):
        assert await inside.ask(do="exchange", host=NAMED, port=9, send="x") == {"failed": "ConnectionResetError"}


async def test_upstream_reset_in_the_middle_shows_as_a_reset(inside: Inside) -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with serving(NAMED, slam) as port, relaying(inside, f"{NAMED}:{port}"):
        assert await inside.ask(do="exchange", host=NAMED, port=port, send="xx") == {"failed": "ConnectionResetError"}


async def test_sixty_four_megabytes_pass_whole_in_both_directions(inside: Inside) -> None:
    async with serving(NAMED, echo) as port, relaying(inside, f"{NAMED}:{port}") as relay:
        size = 64 * 1024 * 1024
        assert await inside.ask(do="bulk", host=NAMED, port=port, size=size) == {"received": size + 4}
        assert await relay.usage(SESSION) == (size + 4, size)


async def test_udp_that_is_no_dns_goes_nowhere(inside: Inside) -> None:
    async with relaying(inside, NAMED):
        assert await inside.ask(do="udp", host=NAMED, port=443, send="00") == {"failed": "ConnectionRefusedError"}


async def test_hostile_datagrams_leave_the_resolver_answering(inside: Inside) -> None:
    async with relaying(inside, "allowed.test"):
        loop = (struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + b"\xc0\x0c\x00\x01\x00\x01").hex()
        assert code_of((await inside.ask(do="udp", host="127.0.0.1", send=loop))["received"]) == 1
        assert await inside.ask(do="udp", host="127.0.0.1", send="00", seconds=0.5) == {"failed": "TimeoutError"}
        answer = await inside.ask(do="udp", host="127.0.0.1", send=question("allowed.test"))
        assert address_in(answer["received"]) == "198.18.0.1"


async def test_tls_hello_that_names_another_host_is_refused(inside: Inside) -> None:
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            if said := await reader.read(5):
                seen.put_nowait(said)
        writer.close()

    server = await asyncio.start_server(record, "127.0.0.1", 443)
    async with server, relaying(inside, "localhost", "127.0.0.1"):
        answer = await inside.ask(do="udp", host="127.0.0.1", send=question("localhost"))
        address = address_in(answer["received"])
        fronted = await inside.ask(do="exchange", host=address, port=443, raw=hello("other.test").hex())
        assert "failed" in fronted, "a reset may show at the client's every step"
        await inside.ask(do="exchange", host=address, port=443, raw=hello("localhost").hex())
        async with asyncio.timeout(BOUND):
            assert (await seen.get())[:1] == b"\x16"
        assert seen.empty(), "the refused hello came through"


def hello(name: str) -> bytes:
    """A true ClientHello."""
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(received, sent, server_hostname=name).do_handshake()
    return sent.read()


class PipedLog:
    """A log of which each line can be waited for."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self.lines = os.fdopen(self._reading)

    def open(self) -> int:
        return os.dup(self._writing)

    def put_aside(self) -> bool:
        return False

    def close(self) -> None:
        os.close(self._writing)
        self.lines.close()


@pytest.fixture
def log() -> Iterator[PipedLog]:
    piped = PipedLog()
    yield piped
    piped.close()


async def test_each_connection_leaves_one_line_without_what_was_said(inside: Inside, log: PipedLog) -> None:
    async with serving(NAMED, echo) as port, relaying(inside, f"{NAMED}:{port}", log=log):
        await inside.ask(do="exchange", host=NAMED, port=port, send="my secret")
        await inside.ask(do="exchange", host=FOREIGN, port=80, send="x")
        async with asyncio.timeout(BOUND):
            texts = [await asyncio.to_thread(log.lines.readline) for _ in range(2)]
    by_host = {line["host"]: line for line in map(json.loads, texts)}
    carried, refused = by_host[NAMED], by_host[FOREIGN]
    assert (carried["verdict"], carried["session"], carried["tx_bytes"], carried["rx_bytes"]) == (
        "carried",
        "s-1",
        9,
        13,
    )
    assert (refused["verdict"], refused["port"]) == ("refused", 80)
    assert "secret" not in "".join(texts)


async def test_session_at_its_quota_does_not_keep_another_waiting(inside: Inside) -> None:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"up")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    other = Inside()
    try:
        async with serving(NAMED, hold) as port, serving(OWN, echo) as fast:
            allow = (f"{NAMED}:{port}", f"{OWN}:{fast}")
            async with relaying(inside, *allow) as relay:
                await relay.attach(SessionId("s-2"), other.listeners(), rules(*allow))
                held = await inside.ask(do="hold", host=NAMED, port=port, count=560)
                assert held["answered"] <= 512
                assert await other.ask(do="exchange", host=OWN, port=fast, send="me") == {"received": "got me"}
    finally:
        other.close()


async def test_flood_of_questions_keeps_neither_session_without_answers(inside: Inside) -> None:
    other = Inside()
    try:
        async with relaying(inside, "allowed.test") as relay:
            await relay.attach(SessionId("s-2"), other.listeners(), rules("allowed.test"))
            await inside.ask(do="flood", host="127.0.0.1", send=question("allowed.test"), count=5000)
            asked = {"do": "udp", "host": "127.0.0.1", "send": question("allowed.test")}
            assert address_in((await other.ask(**asked))["received"]) == "198.18.0.1"
            async with asyncio.timeout(BOUND):  # one of its own that finds no room is asked again, as a resolver would
                while "received" not in (answer := await inside.ask(**asked, seconds=1.0)):
                    assert answer == {"failed": "TimeoutError"}
            assert address_in(answer["received"]) == "198.18.0.1"
    finally:
        other.close()


async def test_relay_that_is_killed_comes_back_and_serves_after_attaching_again(inside: Inside) -> None:
    back = asyncio.Event()

    async def reattach() -> None:
        await relay.attach(SESSION, inside.listeners(), rules(f"{NAMED}:{port}"))
        back.set()

    async with serving(NAMED, echo) as port:
        relay = Relay((f"{NAMED}:{port}",), on_exit=reattach)
        await relay.start()
        try:
            await relay.attach(SESSION, inside.listeners(), rules(f"{NAMED}:{port}"))
            await inside.ask(do="exchange", host=NAMED, port=port, send="one")
            assert await relay.usage(SESSION) == (7, 3)
            os.kill(relay.pid or 0, signal.SIGKILL)
            async with asyncio.timeout(BOUND):
                await back.wait()
            assert await inside.ask(do="exchange", host=NAMED, port=port, send="two") == {"received": "got two"}
            assert await relay.usage(SESSION) == (14, 6)
        finally:
            await relay.stop()


async def test_detached_session_reaches_nothing_and_the_process_ends_with_its_node(inside: Inside) -> None:
    async with serving(NAMED, echo) as port, relaying(inside, f"{NAMED}:{port}") as relay:
        await relay.detach(SESSION)
        assert await inside.ask(do="exchange", host=NAMED, port=port, send="x") == {"failed": "ConnectionRefusedError"}
        pid = relay.pid or 0
        await relay.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_relay_runs_as_nobody(inside: Inside) -> None:
    async with relaying(inside, NAMED) as relay:
        status = await asyncio.to_thread(Path(f"/proc/{relay.pid}/status").read_text)
        assert "\nUid:\t65534\t65534\t65534\t65534\n" in status
        assert "\nCapEff:\t0000000000000000\n" in status


async def test_wrong_entry_is_refused_before_anything_starts() -> None:
    with pytest.raises(InvalidNetwork, match="0177"):
        Relay(("0177.0.0.1",))


async def test_log_that_has_grown_large_is_put_aside_and_the_relay_goes_on_in_a_new_one(
    inside: Inside, tmp_path: Path
) -> None:
    log = LogFile(tmp_path / "relay.log", largest=1)
    async with relaying(inside, log=log) as relay:
        await inside.ask(do="exchange", host=FOREIGN, port=80, send="x")
        await until_written(tmp_path / "relay.log")
        assert await relay.go_on_in_a_new_log()
        await inside.ask(do="exchange", host=FOREIGN, port=81, send="x")
        await until_written(tmp_path / "relay.log")
    ports = [json.loads((tmp_path / name).read_text())["port"] for name in ("relay.log.1", "relay.log")]
    assert ports == [80, 81]


async def until_written(path: Path) -> None:
    await asyncio.to_thread(until, lambda: path.exists() and path.stat().st_size, "the line is written")
