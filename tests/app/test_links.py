"""Where the app serves links: which port it takes, and what it says where it cannot."""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.environment import claim_port

from cove.app.data import DataDir
from cove.app.links import Links
from cove.app.settings import settings_from
from cove.core.errors import InvalidSetting
from cove.core.link import LinkPlace
from cove.gateway import listen_on_loopback


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    made = DataDir(tmp_path)
    made.prepare()
    return made


@contextlib.contextmanager
def links(data: DataDir, **given: str | int) -> Iterator[LinkPlace]:
    with contextlib.closing(Links(settings_from({"data": data.root, **given}, {}), data)) as served:
        assert served.place is not None
        yield served.place


def test_a_start_takes_the_port_of_the_last_one(data: DataDir) -> None:
    last = claim_port()
    (data.root / "link_port").write_text(str(last))
    for _ in range(2):
        with links(data) as place:
            assert place.port == last


def test_where_the_usual_port_is_taken_another_is_and_stays_so(data: DataDir, tmp_path: Path) -> None:
    other = DataDir(tmp_path / "other")
    other.prepare()
    with links(data) as first, links(other) as second:
        assert first.port != second.port
    for each, place in ((data, first), (other, second)):
        assert (each.root / "link_port").read_text() == str(place.port)


@pytest.mark.parametrize("written", ["", "nonsense", "0", "70000", "-1"])
def test_what_was_written_of_the_last_port_may_be_anything(data: DataDir, written: str) -> None:
    (data.root / "link_port").write_text(written)
    with links(data) as place:
        assert place.port > 0


def test_a_chosen_port_that_is_taken_is_refused(data: DataDir) -> None:
    with contextlib.closing(listen_on_loopback(0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSetting, match="choose another with --link-port"), links(data, link_port=port):
            pass


def test_behind_a_proxy_it_listens_where_the_api_does(data: DataDir) -> None:
    with links(data, link_url="https://*.Links.example.org", link_port=0) as place:
        assert place.wildcard == "https://*.links.example.org"
        with socket.create_connection(("127.0.0.1", place.port), timeout=30):
            pass
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.1.2.3", place.port), timeout=30)


@pytest.mark.parametrize(
    "url",
    [
        "https://links.example.org",
        "https://*",
        "*.example.org",
        "https://*.a.b/path",
        "https://a.*.b",
        "ftp://*.a.b",
        "https://*.a.b:x",
    ],
)
def test_a_link_url_is_a_wildcard_and_nothing_else(url: str) -> None:
    with pytest.raises(InvalidSetting, match=r"give https://\*\.DOMAIN"):
        settings_from({"link_url": url}, {})
