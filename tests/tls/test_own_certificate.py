"""`--tls-cert` and `--tls-key`: the operator's own certificate, and what is wrong with it, told before the start."""

import datetime
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
from tests.tls.conftest import KEY, Own, now, secured
from tests.waiting import until

from cove import AgentBay
from cove.app.data import DataDir
from cove.app.settings import settings_from
from cove.app.tls import tls_of
from cove.core.errors import InvalidSetting


def start(own: Own, root: Path, **given: object) -> None:
    files = {"tls_cert": own.certificate, "tls_key": own.key}
    data = DataDir(root / "data")
    data.prepare()
    tls_of(settings_from({"data": data.root, **files, **given}, {}), data)


def test_a_certificate_that_has_expired_is_refused_by_its_day(own: Own, short_path: Path) -> None:
    own.write("localhost", when=now() - datetime.timedelta(days=40))
    with pytest.raises(InvalidSetting, match=r"own.pem.* it expired on 20\d\d-\d\d-\d\d; renew it"):
        start(own, short_path)


def test_one_that_is_not_valid_yet_points_to_the_clock(own: Own, short_path: Path) -> None:
    own.write("localhost", when=now() + datetime.timedelta(days=3))
    with pytest.raises(InvalidSetting, match="look at this machine's clock"):
        start(own, short_path)


def test_one_that_is_for_no_name_is_refused(own: Own, short_path: Path) -> None:
    own.certificate.write_text(own.authority.certificate)
    own.key.write_text(own.authority.key)
    with pytest.raises(InvalidSetting, match="it is for no name"):
        start(own, short_path)


def test_a_key_of_another_certificate_is_refused(own: Own, short_path: Path) -> None:
    certificate = own.certificate.read_text()
    own.write("localhost")
    own.certificate.write_text(certificate)
    with pytest.raises(InvalidSetting, match=r"own.key.* it is not the key of .*own.pem"):
        start(own, short_path)


def test_an_encrypted_key_is_refused_with_the_way_out_of_it(own: Own, short_path: Path) -> None:
    made = own.key.with_suffix(".encrypted")
    command = ["openssl", "pkey", "-in", own.key, "-aes256", "-passout", "pass:secret", "-out", made]
    subprocess.run(command, check=True, timeout=30)
    made.rename(own.key)
    with pytest.raises(InvalidSetting, match="it is encrypted; give one that is not, as `openssl pkey"):
        start(own, short_path)


@pytest.mark.parametrize(("which", "name"), [("certificate", "tls_cert"), ("key", "tls_key")])
@pytest.mark.parametrize("content", [None, b"", b"nonsense", b"\x30\x82\xff\xfe"])
def test_files_that_are_none_are_refused_by_name(
    own: Own, short_path: Path, which: str, name: str, content: bytes | None
) -> None:
    file: Path = getattr(own, which)
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSetting, match=rf"{name} = .*{file.name}.*(cannot be read: No such|PEM)"):
        start(own, short_path)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ({"tls_cert": "/a.pem"}, "give both --tls-cert and --tls-key"),
        ({"tls_key": "/a.key"}, "give both --tls-cert and --tls-key"),
        ({"tls_name": ("a.b",)}, "give --tls, too"),
        ({"tls_cert": "/a.pem", "tls_key": "/a.key", "tls_name": ("a.b",)}, "leave --tls-name out"),
        ({"tls": True, "tls_name": ("https://cove.example.org",)}, "no scheme, no port"),
        ({"tls": True, "tls_name": ("a.b:7717",)}, "no scheme, no port"),
        ({"tls": True, "tls_name": ("1.2.3",)}, "a host name or an address alone"),
        ({"tls": True, "public_url": "http://cove.example.org"}, "with --tls, give https://"),
        ({"tls": True, "link_url": "http://*.links.example.org"}, "with --tls, give https://"),
        ({"tls": "perhaps"}, "give 1 or 0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, object], remedy: str) -> None:
    with pytest.raises(InvalidSetting, match=remedy):
        settings_from(given, {})  # type: ignore[arg-type]  # what callers may hand in


def test_a_renewed_certificate_is_served_without_a_restart_and_a_broken_one_is_not(own: Own) -> None:
    with secured(COVE_TLS_CERT=str(own.certificate), COVE_TLS_KEY=str(own.key)) as (server, started):
        assert started.trust is None
        assert started.url.startswith("https://cove.example.org:")
        port = int(started.url.rpartition(":")[2])
        first = ssl.get_server_certificate(("127.0.0.1", port), timeout=60)
        own.key.write_text("half a renewal")
        own.write("cove.example.org", "localhost", "127.0.0.1")
        until(lambda: ssl.get_server_certificate(("127.0.0.1", port), timeout=60) != first, "the new certificate")
        own.certificate.write_text("half a renewal")
        log = server.data / "log" / "cove.log"
        refused = "the new certificate cannot be used"
        until(lambda: get(port, own) == 200 and refused in log.read_text(), "a line about it")


def get(port: int, own: Own) -> int:
    context = ssl.create_default_context(cafile=own.ca)
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/healthz", context=context, timeout=60) as answer:
        return int(answer.status)


def test_links_on_loopback_stay_plain_where_nobody_certifies_them(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    with secured(COVE_TLS_CERT=str(own.certificate), COVE_TLS_KEY=str(own.key)) as (_, started):
        monkeypatch.setenv("COVE_CA", str(own.ca))
        endpoint = f"https://127.0.0.1:{started.url.rpartition(':')[2]}"
        with AgentBay(KEY, endpoint=endpoint) as bay, bay.open() as session:
            assert session.get_link("https", 30100).unwrap().startswith("http://127.")
