"""Where allowed names may lead, from the session's question to the connection: private networks, and wildcards."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.relaying import NAMED, Inside, address_in, code_of, echo, needs_network, question, relaying, serving

from cove.node.syscalls import CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, mount, setns, unshare

pytestmark = [pytest.mark.anyio, needs_network]

PRIVATE, GLOBAL, METADATA = "10.20.30.40", "1.1.1.1", "169.254.169.254"
EVERYWHERE = "0.0.0.0"  # what is refused is refused though somebody would answer
HOSTS = f"""
{PRIVATE} corp.test private.corp.test
{GLOBAL} global.corp.test
{METADATA} metadata.corp.test
127.0.0.1 loopback.corp.test
"""
_CLONE_FS = 0x200
REFUSED = {"failed": "ConnectionResetError"}


@pytest.fixture
def named(outside: None, tmp_path: Path) -> Iterator[None]:
    """The machine's resolver knows HOSTS; what they lead to is served by us, and no address of the machine."""
    before = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    where = Path.cwd()
    (tmp_path / "hosts").write_text(HOSTS)
    unshare(CLONE_NEWNS)
    try:
        mount(None, "/", None, MS_REC | MS_PRIVATE)
        mount(str(tmp_path / "hosts"), "/etc/hosts", None, MS_BIND)
        _lead_to_us(PRIVATE, GLOBAL, METADATA)
        yield
    finally:
        unshare(_CLONE_FS)  # setns wants a thread that shares its root with no other
        setns(before, CLONE_NEWNS)
        os.close(before)
        os.chdir(where)


def _lead_to_us(*addresses: str) -> None:
    for address in addresses:
        subprocess.run(["ip", "route", "add", f"{address}/32", "dev", "lo"], check=True)
    rules = "".join(f"ip daddr {address} dnat to {NAMED};\n" for address in addresses)
    table = f"table ip ours {{\nchain output {{\ntype nat hook output priority -100;\n{rules}}}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=table, text=True, check=True)


async def ask(inside: Inside, name: str) -> str:
    return str((await inside.ask(do="udp", host="127.0.0.1", send=question(name)))["received"])


@pytest.mark.parametrize("name", ["private", "global"])
async def test_name_spelled_out_may_lead_to_a_private_network(named: None, inside: Inside, name: str) -> None:
    async with serving(EVERYWHERE, echo) as port, relaying(inside, f"{name}.corp.test:{port}"):
        address = address_in(await ask(inside, f"{name}.corp.test"))
        assert await inside.ask(do="exchange", host=address, port=port, send="x") == {"received": "got x"}


async def test_wildcard_leads_to_the_public_internet(named: None, inside: Inside) -> None:
    async with serving(EVERYWHERE, echo) as port, relaying(inside, f"*.corp.test:{port}"):
        address = address_in(await ask(inside, "global.corp.test"))
        assert await inside.ask(do="exchange", host=address, port=port, send="x") == {"received": "got x"}


@pytest.mark.parametrize("name", ["private", "metadata", "loopback"])
async def test_wildcard_leads_to_no_private_network(named: None, inside: Inside, name: str) -> None:
    async with serving(EVERYWHERE, echo) as port, relaying(inside, f"*.corp.test:{port}"):
        address = address_in(await ask(inside, f"{name}.corp.test"))
        assert await inside.ask(do="exchange", host=address, port=port, send="x") == REFUSED


async def test_wildcard_with_its_private_block_named_leads_there(named: None, inside: Inside) -> None:
    async with serving(EVERYWHERE, echo) as port, relaying(inside, f"*.corp.test:{port}", f"10.20.0.0/16:{port}"):
        address = address_in(await ask(inside, "private.corp.test"))
        assert await inside.ask(do="exchange", host=address, port=port, send="x") == {"received": "got x"}


@pytest.mark.parametrize("name", ["metadata", "loopback"])
async def test_name_spelled_out_leads_to_no_address_that_is_close(named: None, inside: Inside, name: str) -> None:
    async with serving(EVERYWHERE, echo) as port, relaying(inside, f"{name}.corp.test:{port}"):
        address = address_in(await ask(inside, f"{name}.corp.test"))
        assert await inside.ask(do="exchange", host=address, port=port, send="x") == REFUSED


async def test_wildcard_has_no_address_for_the_domain_itself(named: None, inside: Inside) -> None:
    async with relaying(inside, "*.corp.test"):
        answer = await ask(inside, "corp.test")
        assert (code_of(answer), address_in(answer)) == (3, "")
