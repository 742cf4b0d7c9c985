"""The registries that a machine's own configuration names, as entries of an allow list."""

from pathlib import Path

import pytest

from cove.core.network import parse_entry
from cove.node.images.clients import apt_uris
from cove.node.images.host import Host
from cove.node.images.registries import entry_of, registry_hosts

ONE_LINE = """# deb http://commented.example/ x main
deb http://one.example/debian stable main
deb-src [arch=amd64 signed-by=/x.gpg] https://me:pw@two.example:8443/debian stable main
deb file:/srv/deb ./
"""
DEB822 = """Types: deb
# URIs: http://commented.example/
URIs: http://three.example/debian
 https://four.example/debian
Suites: stable

Types: deb
URIs: http://disabled.example/
Enabled: no
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    apt = tmp_path / "etc/apt"
    (apt / "sources.list.d").mkdir(parents=True)
    (apt / "sources.list").write_text(ONE_LINE)
    (apt / "sources.list.d/x.sources").write_text(DEB822)
    (apt / "sources.list.d/old.list.save").write_text("deb http://unused.example/ x main")
    return tmp_path


def test_apts_two_formats_name_their_hosts(source: Path) -> None:
    entries = {entry_of(uri) for uri in apt_uris(Host(source, {}))}
    assert entries == {"one.example:80", "two.example:8443", "three.example:80", "four.example:443", ""}


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("https://u:p@h.example/simple", "h.example:443"),
        ("http://h.example:8080", "h.example:8080"),
        ("https://[2001:db8::1]/x", "[2001:db8::1]:443"),
        ("cdrom:[Debian]/", ""),
        ("mirror+file:/etc/x", ""),
        ("https://h.example:port/", ""),
        ("", ""),
    ],
)
def test_url_becomes_an_entry_or_nothing(url: str, entry: str) -> None:
    assert entry_of(url) == entry


def test_entries_of_this_machine_are_ones_that_the_relay_takes() -> None:
    entries = registry_hosts()
    assert list(entries) == sorted(set(entries))
    assert len({parse_entry(entry) for entry in entries}) == len(entries)
