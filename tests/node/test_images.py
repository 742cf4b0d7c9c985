"""The host image: what a session sees of the machine, and what of it never comes through."""

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.node.churning import churning

from cove.core.errors import NotSupported
from cove.node.images import Skeleton, build_skeleton, hidden_paths
from cove.node.images.accounts import render_accounts
from cove.node.images.clients import environment, local_directories, npm_options, pip_options, render_npm, render_pip
from cove.node.images.host import Host
from cove.node.images.secrecy import without_credentials

SECRET = "hunter2"
PASSWD = """root:x:0:0:The Admin:/root:/bin/zsh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
svc:x:998:998:Svc of Alice:/home/alice/svc:/bin/sh
alice:x:1000:1000:Alice Person:/home/alice:/bin/bash
bob:x:1001:1001::/home/bob:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = """root:x:0:
daemon:x:1:
sudo:x:27:alice,svc
shadow:x:42:
docker:x:998:bob
alice:x:1000:
nogroup:x:65534:
"""

PLANTED = {
    "etc/shadow": SECRET,
    "etc/shadow-": SECRET,
    "etc/gshadow": SECRET,
    "etc/sudoers": SECRET,
    "etc/sudoers.d/alice": SECRET,
    "etc/ssh/ssh_host_rsa_key": SECRET,
    "etc/ssh/sshd_config": SECRET,
    "etc/ssl/private/site.pem": SECRET,
    "etc/ssl/site.key": SECRET,
    "etc/app/tls.pem": f"-----BEGIN EC PRIVATE KEY-----\n{SECRET}",
    "etc/apt/auth.conf": f"machine mirror.example login me password {SECRET}",
    "etc/apt/auth.conf.d/90.conf": SECRET,
    "etc/krb5.keytab": SECRET,
    "etc/cron.d/job": SECRET,
    "etc/NetworkManager/system-connections/wifi": SECRET,
    "etc/wireguard/wg0.conf": SECRET,
    "etc/letsencrypt/live/key.pem": SECRET,
    "etc/docker/daemon.json": SECRET,
    "etc/kubernetes/admin.conf": SECRET,
    "etc/netrc": SECRET,
    "etc/environment": f"API_TOKEN={SECRET}",
    "etc/profile.d/company.sh": f"export GITHUB_TOKEN={SECRET}\n",
    "etc/default/service": f'DB_PASSWORD="{SECRET}"\n',
    "etc/gitconfig": f"[http]\n  extraheader = AUTHORIZATION: basic {SECRET}\n",
    "etc/fstab": f"//nas/share /mnt cifs password={SECRET}",
    "etc/machine-id": SECRET,
    "etc/hostname": SECRET,
    "etc/hosts": f"10.0.0.1 {SECRET}",
    "etc/postgresql/pg_hba.conf": SECRET,
    "etc/systemd/credstore/thing": SECRET,
    "home/alice/.ssh/id_rsa": SECRET,
    "root/.aws/credentials": SECRET,
    "var/lib/app/data": SECRET,
    "opt/app/config": SECRET,
    "srv/data": SECRET,
    "tmp/leftover": SECRET,
}


def plant(root: Path, files: Mapping[str, str], mode: int = 0o644) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small machine with a merged /usr."""
    root = tmp_path / "machine"
    for name in ("bin", "sbin", "lib"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    ordinary = {
        "etc/passwd": PASSWD,
        "etc/group": GROUP,
        "etc/os-release": "ID=test\n",
        "etc/nsswitch.conf": "hosts: files dns\n",
        "etc/skel/.bashrc": "# from skel\n",
        "etc/ssl/certs/ca-certificates.crt": "-----BEGIN CERTIFICATE-----\n",
        "etc/pam.d/common-password": "password required pam_unix.so\n",
        "var/lib/dpkg/status": "Package: base-files\n",
    }
    plant(root, ordinary)
    return root


def build(source: Path, tmp_path: Path) -> Skeleton:
    return build_skeleton(tmp_path / "images", source=source)


def everything(root: Path) -> str:
    """Every name, link and content below a directory, as one text."""
    pieces = []
    for path in root.rglob("*"):
        pieces.append(str(path.relative_to(root)))
        if path.is_symlink():
            pieces.append(os.readlink(path))
        elif path.is_file():
            pieces.append(path.read_text(errors="replace"))
    return "\n".join(pieces)


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_planted_secret_does_not_come_through(source: Path, tmp_path: Path, name: str) -> None:
    plant(source, {name: PLANTED[name]})
    assert SECRET not in everything(build(source, tmp_path).path)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o000])
def test_file_that_not_everybody_may_read_does_not_come_through(source: Path, tmp_path: Path, mode: int) -> None:
    plant(source, {"etc/some.conf": SECRET}, mode)
    plant(source, {"etc/closed/some.conf": SECRET})
    (source / "etc/closed").chmod(0o750)
    assert SECRET not in everything(build(source, tmp_path).path)


def test_links_and_what_is_no_file_lead_nowhere(source: Path, tmp_path: Path) -> None:
    plant(source, {"home/alice/notes": SECRET, "etc/ssh/key": SECRET})
    for name, link in {"a": "/home/alice/notes", "b": "../home/alice/notes", "c": "ssh/key", "d": "/var/lib/x"}.items():
        (source / "etc" / name).symlink_to(link)
    os.mkfifo(source / "etc/pipe")
    skeleton = build(source, tmp_path)
    assert SECRET not in everything(skeleton.path)
    assert not {"a", "b", "c", "d", "pipe"} & set(os.listdir(skeleton.path / "etc"))


def test_link_into_usr_or_etc_is_kept(source: Path, tmp_path: Path) -> None:
    (source / "etc/alternatives").mkdir()
    (source / "etc/alternatives/editor").symlink_to("/usr/bin/vim.tiny")
    (source / "etc/ssl/certs/0.pem").symlink_to("ca-certificates.crt")
    etc = build(source, tmp_path).path / "etc"
    assert os.readlink(etc / "alternatives/editor") == "/usr/bin/vim.tiny"
    assert (etc / "ssl/certs/0.pem").read_text().startswith("-----BEGIN CERTIFICATE")


def test_ordinary_configuration_is_there(source: Path, tmp_path: Path) -> None:
    etc = build(source, tmp_path).path / "etc"
    assert (etc / "nsswitch.conf").read_text() == "hosts: files dns\n"
    assert (etc / "pam.d/common-password").exists()
    assert (etc / "resolv.conf").read_text() == "nameserver 127.0.0.1\n"
    assert (etc / "mtab").is_symlink()


def test_credentials_are_cut_out_of_urls(source: Path, tmp_path: Path) -> None:
    texts = {
        "etc/apt/sources.list": f"deb https://me:{SECRET}@mirror.example/debian stable main\n",
        "etc/apt/sources.list.d/x.sources": f"Types: deb\nURIs: https://{SECRET}@other.example/debian\n",
        "etc/apt/apt.conf.d/proxy": f'Acquire::http::Proxy "http://me:{SECRET}@proxy.example:3128";\n',
        "etc/pip.conf": f"[global]\nindex-url = https://me:{SECRET}@index.example/simple\npassword = {SECRET}\n",
        "etc/npmrc": f"registry=https://me:{SECRET}@npm.example/\n//npm.example/:_authToken={SECRET}\n_auth={SECRET}\n",
    }
    plant(source, texts)
    root = build(source, tmp_path).path
    assert SECRET not in everything(root)
    assert "https://mirror.example/debian" in (root / "etc/apt/sources.list").read_text()
    assert "https://other.example/debian" in (root / "etc/apt/sources.list.d/x.sources").read_text()
    assert "https://index.example/simple" in (root / "etc/pip.conf").read_text()
    assert (root / "home/wuying/.npmrc").read_text() == "registry=https://npm.example/\n"


def test_peoples_accounts_and_homes_are_not_named(source: Path, tmp_path: Path) -> None:
    root = build(source, tmp_path).path
    text = everything(root)
    assert "/home/alice" not in text
    assert not [word for word in ("alice", "Alice", "bob") if word in (root / "etc/passwd").read_text()]
    assert not [word for word in ("alice", "bob") if word in (root / "etc/group").read_text()]
    assert os.listdir(root / "home") == ["wuying"]


def test_accounts_are_root_the_user_and_the_systems() -> None:
    accounts = render_accounts(PASSWD, GROUP)
    rows = {line.split(":")[0]: line.split(":") for line in accounts.passwd.splitlines()}
    assert list(rows) == ["root", "daemon", "_apt", "svc", "nobody", "wuying"]
    assert rows["wuying"][2:] == ["1000", "1000", "", "/home/wuying", "/bin/bash"]
    assert rows["root"][6] == "/bin/bash"
    assert rows["svc"][5] == "/nonexistent"
    assert "sudo:x:27:svc\n" in accounts.group
    assert all(line.split(":")[1] == "*" for line in accounts.shadow.splitlines())


def test_accounts_of_a_host_without_apt_have_its_sandbox_user() -> None:
    assert render_accounts("", "").apt_uid == 42


def test_tree_is_that_of_a_computer(source: Path, tmp_path: Path) -> None:
    root = build(source, tmp_path).path
    modes = {
        name: stat.S_IMODE((root / name).stat().st_mode) for name in ("tmp", "root", "home/wuying", "etc", "var/tmp")
    }
    assert modes == {"tmp": 0o1777, "root": 0o700, "home/wuying": 0o755, "etc": 0o755, "var/tmp": 0o1777}
    assert [name for name in os.listdir(root / "tmp") if not name.startswith(".")] == ["README"]
    assert (root / "home/wuying/.bashrc").read_text() == "# from skel\n"
    assert (root / "root/.profile").exists()
    for name in ("proc", "sys", "dev", "run", "usr", "var/lib/dpkg", "opt", "srv", "mnt", "media"):
        assert os.listdir(root / name) == []
    assert os.readlink(root / "bin") == "usr/bin"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_home_is_the_users_and_the_rest_is_roots(source: Path, tmp_path: Path) -> None:
    root = build(source, tmp_path).path
    assert {path.lstat().st_uid for path in (root / "home/wuying").rglob("*")} == {1000}
    assert {path.lstat().st_uid for path in (root / "etc").rglob("*")} == {0}
    assert ((root / "etc/shadow").stat().st_gid, stat.S_IMODE((root / "etc/shadow").stat().st_mode)) == (42, 0o640)
    assert (root / "var/lib/apt/lists/partial").stat().st_uid == 42


def test_same_host_gives_the_same_image_and_does_not_build_again(source: Path, tmp_path: Path) -> None:
    first = build(source, tmp_path)
    (first.path / "etc/marker").write_text("")
    second = build(source, tmp_path)
    assert second == first
    assert (second.path / "etc/marker").exists()
    assert [path.name for path in (tmp_path / "images").iterdir()] == [first.fingerprint]


@pytest.mark.parametrize("name", ["var/lib/dpkg/status", "etc/os-release", "etc/nsswitch.conf", "etc/pip.conf"])
def test_drift_of_the_host_shows_in_the_fingerprint(source: Path, tmp_path: Path, name: str) -> None:
    first = build(source, tmp_path)
    plant(source, {name: "[global]\ntimeout = 99\n"})
    second = build(source, tmp_path)
    assert second.fingerprint != first.fingerprint
    assert first.path.exists()


def test_half_made_image_is_not_taken_for_one(source: Path, tmp_path: Path) -> None:
    expected = build(source, tmp_path).fingerprint
    other = tmp_path / "other"
    (other / f".building-1-{expected}" / "root").mkdir(parents=True)
    assert (build_skeleton(other, source=source).path / "etc/passwd").exists()


def test_host_without_a_merged_usr_is_told_so(source: Path, tmp_path: Path) -> None:
    (source / "bin").unlink()
    (source / "bin").mkdir()
    with pytest.raises(NotSupported, match="merged /usr"):
        build(source, tmp_path)


def test_what_not_everybody_may_read_under_usr_is_hidden(source: Path) -> None:
    plant(
        source, {"usr/bin/tool": "x", "usr/lib/python3/EXTERNALLY-MANAGED": "x", "usr/share/app/x.pem": "CERTIFICATE"}
    )
    plant(source, {"usr/lib/app/private.conf": SECRET, "usr/share/closed/inner/file": SECRET}, 0o600)
    plant(source, {"usr/share/app/tls.key": "-----BEGIN PRIVATE KEY-----", "usr/local/etc/npmrc": "//x/:_authToken=1"})
    (source / "usr/share/closed").chmod(0o700)
    assert hidden_paths(source) == (
        "/usr/lib/app/private.conf",
        "/usr/lib/python3/EXTERNALLY-MANAGED",
        "/usr/local/etc/npmrc",
        "/usr/share/app/tls.key",
        "/usr/share/closed",
    )


def test_usr_that_changes_meanwhile_is_looked_through(source: Path) -> None:
    plant(source, {"usr/lib/app/private.conf": SECRET}, 0o600)
    with churning(source / "usr"):
        for _ in range(300):
            assert "/usr/lib/app/private.conf" in hidden_paths(source)


def test_python_is_python3_where_the_host_has_no_other(source: Path, tmp_path: Path) -> None:
    assert build(source, tmp_path / "without").usr_links == {}
    plant(source, {"usr/bin/python3": "x"})
    assert build(source, tmp_path / "with").usr_links == {"/usr/bin/python": "python3"}
    (source / "usr/local/bin").mkdir(parents=True, exist_ok=True)
    (source / "usr/local/bin/python").symlink_to("/nowhere")
    assert build(source, tmp_path / "own").usr_links == {}


def test_image_says_what_is_hidden_and_bound(source: Path, tmp_path: Path) -> None:
    (source / "opt/wheels").mkdir(parents=True)
    plant(source, {"etc/pip.conf": "[global]\nfind-links = /opt/wheels\n", "usr/lib/python3/EXTERNALLY-MANAGED": ""})
    skeleton = build(source, tmp_path)
    assert skeleton.hidden == ("/usr/lib/python3/EXTERNALLY-MANAGED",)
    assert skeleton.binds == ((source / "opt/wheels", "/opt/wheels"),)
    assert (skeleton.path / "opt/wheels").is_dir()
    written = json.loads((skeleton.path.parent / "skeleton.json").read_text())
    assert written["fingerprint"] == skeleton.fingerprint


@pytest.mark.parametrize(
    "place", ["/home/alice/wheels", "/root/wheels", "/etc", "/", "/usr/share", "/opt/../etc", "/opt/out"]
)
def test_private_directory_is_not_bound_though_configured(source: Path, place: str) -> None:
    for path in ("home/alice/wheels", "root/wheels", "opt"):
        (source / path).mkdir(parents=True, exist_ok=True)
    (source / "opt/out").symlink_to("../home/alice")
    host = Host(source, {"PIP_FIND_LINKS": place, "HOME": "/home/alice"})
    assert local_directories(host) == ()


def test_simple_index_of_files_is_bound_with_what_lies_beside_it(source: Path) -> None:
    (source / "opt/index/simple").mkdir(parents=True)
    (source / "srv/deb").mkdir(parents=True)
    plant(source, {"etc/apt/sources.list": "deb [trusted=yes] file:/srv/deb ./\n"})
    host = Host(source, {"PIP_EXTRA_INDEX_URL": "file:///opt/index/simple https://index.example/simple"})
    assert local_directories(host) == ("/opt/index", "/srv/deb")


def test_users_pip_configuration_wins_over_the_machines_and_the_environment_over_both(source: Path) -> None:
    plant(source, {"etc/pip.conf": "[global]\ntimeout = 1\nretries = 1\n"})
    plant(
        source, {"home/alice/.config/pip/pip.conf": "[global]\ntimeout = 2\nretries = 2\n[freeze]\ntimeout=3\n"}, 0o600
    )
    host = Host(
        source, {"HOME": "/home/alice", "PIP_TIMEOUT": "4", "PIP_CLIENT_CERT": "/home/alice/x", "PIP_TARGET": "/x"}
    )
    assert pip_options(host) == {"timeout": "4", "retries": "2"}
    assert render_pip(pip_options(host)) == "[global]\nretries = 2\ntimeout = 4\n"


def test_users_npm_configuration_comes_without_its_secrets(source: Path) -> None:
    rows = [
        "registry = https://u:p@npm.example/",
        "@corp:registry=https://corp.example/",
        "email=a@b",
        "cafile=/home/alice/ca",
    ]
    rows += [
        f"//npm.example/:_authToken={SECRET}",
        f"_password={SECRET}",
        "cafile=/home/alice/ca",
        "proxy=${PROXY}",
        "; x=y",
    ]
    plant(source, {"home/alice/.npmrc": "\n".join(rows)}, 0o600)
    text = render_npm(npm_options(Host(source, {"HOME": "/home/alice"})))
    assert text == "@corp:registry=https://corp.example/\nregistry=https://npm.example/\n"


def test_environment_has_certificates_in_view_and_proxies_without_passwords(source: Path) -> None:
    given = {"SSL_CERT_FILE": "/etc/ssl/certs/x.pem", "REQUESTS_CA_BUNDLE": "/home/alice/ca.pem", "TOKEN": SECRET}
    given["https_proxy"] = f"http://me:{SECRET}@proxy.example:3128"
    assert environment(Host(source, given)) == {
        "SSL_CERT_FILE": "/etc/ssl/certs/x.pem",
        "NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt",
        "https_proxy": "http://proxy.example:3128",
    }


@pytest.mark.parametrize("url", ["https://u:p@h/x", "https://u@h/x", "svn+ssh://u:p%40q@h/x", "http://:p@h/x"])
def test_url_keeps_all_but_its_credentials(url: str) -> None:
    scheme, _, _ = url.partition("://")
    assert without_credentials(f"a {url} b") == f"a {scheme}://h/x b"


def test_address_of_a_person_is_no_credential() -> None:
    assert without_credentials("mail me@h, or see https://h/@me") == "mail me@h, or see https://h/@me"


@pytest.mark.skipif(not Path("/bin").is_symlink(), reason="this machine has no merged /usr")
def test_image_of_this_very_machine_holds_no_secret_shape(tmp_path: Path) -> None:
    skeleton = build_skeleton(tmp_path / "images")
    text = everything(skeleton.path)
    assert not re.search(r"-----BEGIN [A-Z ]*PRIVATE KEY-----", text)
    assert not re.search(r"_authToken\s*=", text)
    home = os.environ.get("HOME", "/root").rstrip("/")
    assert not [path for path in rendered(skeleton.path) if home and f"{home}/" in path.read_text(errors="replace")]


def rendered(root: Path) -> Iterator[Path]:
    """The files that were made, rather than copied as they are on this machine."""
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink():
            host = Path("/", path.relative_to(root))
            if not os.access(host, os.R_OK) or not host.is_file() or host.read_bytes() != path.read_bytes():
                yield path
