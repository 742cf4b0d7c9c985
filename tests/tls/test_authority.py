"""The authority in the data directory: what it vouches for, who may read it, when there is a new one."""

import datetime
import ssl
import stat
import subprocess
from pathlib import Path

import pytest
from tests.tls.conftest import now

from cove.app.certificates import AUTHORITY_DAYS, Pair, issue, make_authority, make_key, names_of
from cove.app.data import DataDir
from cove.app.settings import settings_from
from cove.app.tls import tls_of, utc_now
from cove.app.trust import Trust
from cove.core.errors import InvalidSetting
from cove.gateway import context_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def data(short_path: Path) -> DataDir:
    made = DataDir(short_path)
    made.prepare()
    return made


def trust_of(data: DataDir, when: datetime.datetime | None = None, **given: object) -> Trust:
    tls = tls_of(settings_from({"data": data.root, "tls": True, **given}, {}), data, lambda: when or now())
    assert tls is not None
    assert tls.trust is not None
    return tls.trust


async def certified(data: DataDir, address: str, **given: object) -> tuple[str, ...]:
    tls = tls_of(settings_from({"data": data.root, "tls": True, **given}, {}), data)
    assert tls is not None
    return names_of(Pair(await tls.certify(address), "").first)


def test_its_key_is_for_the_owner_alone_and_what_clients_get_holds_none(data: DataDir) -> None:
    trust = trust_of(data)
    assert stat.S_IMODE((data.tls / "authority.pem").stat().st_mode) == 0o600
    for file in (trust.authority, trust.bundle):
        assert stat.S_IMODE(Path(file).stat().st_mode) == 0o644
        assert "PRIVATE" not in Path(file).read_text()


def test_a_start_keeps_the_authority_of_the_last_one(data: DataDir) -> None:
    first = Path(trust_of(data).authority).read_text()
    again = trust_of(data)
    assert (Path(again.authority).read_text(), again.is_new) == (first, False)


def test_the_bundle_has_the_public_authorities_too_and_ours_once(data: DataDir) -> None:
    trust_of(data)
    trust = trust_of(data)
    bundle = Path(trust.bundle).read_text()
    assert bundle.count(Path(trust.authority).read_text()) == 1
    ssl.create_default_context(cafile=trust.bundle)


@pytest.mark.parametrize(
    ("given", "is_new"),
    [
        ({"tls_name": ("cove.lan",)}, True),
        ({"tls_name": ("203.0.113.7",)}, True),
        ({"link_url": "https://*.links.example.org"}, True),
        ({"public_url": "https://cove.example.org:7717"}, True),
        ({"tls_name": ("192.168.1.9", "localhost", "*.localhost")}, False),
    ],
)
def test_a_name_for_which_it_may_not_vouch_wants_a_new_authority(
    data: DataDir, given: dict[str, object], is_new: bool
) -> None:
    trust_of(data)
    assert trust_of(data, **given).is_new is is_new
    assert not trust_of(data, **given).is_new


def test_one_that_would_end_soon_is_replaced(data: DataDir) -> None:
    trust_of(data)
    late = now() + datetime.timedelta(days=AUTHORITY_DAYS - 100)
    assert trust_of(data, late).is_new


def _another(*options: str) -> bytes:
    """An authority that OpenSSL makes: its key first, then its certificate."""
    made = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=another")
    return subprocess.run([*made, *options, "-keyout", "-"], check=True, capture_output=True, timeout=20).stdout


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        b"\xff\xfe\0\0",
        b"-----BEGIN PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nx\n",
        _another("-nodes"),
        _another("-passout", "pass:secret"),
    ],
    ids=["nothing", "nonsense", "bytes", "halves", "another without constraints", "encrypted"],
)
def test_a_broken_authority_is_refused_and_not_replaced_unasked(data: DataDir, content: bytes) -> None:
    trust_of(data)
    (data.tls / "authority.pem").write_bytes(content)
    with pytest.raises(InvalidSetting, match=r"authority.pem is no authority.*restore it, or delete it"):
        trust_of(data)
    assert (data.tls / "authority.pem").read_bytes() == content


async def test_each_address_gets_a_certificate_of_its_own_with_every_name(data: DataDir) -> None:
    given = {"tls_name": ("cove.lan", "203.0.113.7"), "link_url": "https://*.links.example.org"}
    names = {"localhost", "cove.lan", "203.0.113.7", "*.links.example.org"}
    assert set(await certified(data, "127.1.2.3", **given)) == {*names, "127.1.2.3"}
    assert set(await certified(data, "::ffff:10.1.2.3", **given)) == {*names, "10.1.2.3"}
    assert set(await certified(data, "fe80::1%eth0", **given)) == {*names, "fe80::1"}


@pytest.mark.parametrize(
    ("address", "link_url", "names"),
    [
        ("127.1.2.3", "", {"links.localhost", "127.1.2.3"}),
        ("127.0.0.1", "", {"links.localhost"}),
        ("10.1.2.3", "", {"links.localhost"}),
        ("127.0.0.1", "https://*.links.example.org", {"*.links.example.org"}),
    ],
)
async def test_the_gateway_gets_nothing_by_which_it_could_pass_for_the_api(
    data: DataDir, address: str, link_url: str, names: set[str]
) -> None:
    given = {"public_url": "https://cove.example.org", "tls_name": ("cove.lan",)} | (
        {"link_url": link_url} if link_url else {}
    )
    tls = tls_of(settings_from({"data": data.root, "tls": True, **given}, {}), data)
    assert tls is not None
    of_links, own = Pair(await tls.certify_link(address), "").first, Pair(await tls.certify(address), "").first
    assert set(names_of(of_links)) == names
    assert of_links.public_key() != own.public_key()


async def test_certificates_are_made_anew_long_before_they_end(data: DataDir) -> None:
    clock = [now()]
    tls = tls_of(settings_from({"data": data.root, "tls": True}, {}), data, lambda: clock[0])
    assert tls is not None
    first = await tls.certify("127.0.0.1")
    assert await tls.certify("127.0.0.1") == first
    clock[0] += datetime.timedelta(days=2)
    assert (
        Pair(await tls.certify("127.0.0.1"), "").first.not_valid_after_utc > Pair(first, "").first.not_valid_after_utc
    )


@pytest.mark.parametrize(
    ("names", "is_accepted"),
    [
        (["localhost"], True),
        (["sub.cove.lan"], True),
        (["127.9.9.9"], True),
        (["github.com"], False),
        (["8.8.8.8"], False),
        (["notcove.lan"], False),
    ],
)
def test_whoever_steals_its_key_passes_for_nobody_else(tmp_path: Path, names: list[str], is_accepted: bool) -> None:
    authority = make_authority(["cove.lan"], now())
    (tmp_path / "ca.pem").write_text(authority.certificate)
    (tmp_path / "server.pem").write_text(issue(authority, make_key(), names, now()).certificate)
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "ca.pem"), str(tmp_path / "server.pem")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (said.returncode == 0) is is_accepted, said.stderr
    assert is_accepted or "permitted subtree violation" in said.stderr


def test_a_key_that_is_not_the_certificates_makes_no_context() -> None:
    authority = make_authority([], now())
    made = issue(authority, make_key(), ["localhost"], utc_now())
    with pytest.raises(ssl.SSLError):
        context_of(made.certificate + make_key())
