"""The `host` image: the lower layer of `/`, rendered once per state of the host, and what goes with it."""

import hashlib
import os
import secrets
import shutil
from pathlib import Path

import msgspec

from cove.core.account import HOME, USER_ID
from cove.core.errors import NotSupported
from cove.node.images import clients, layout
from cove.node.images.accounts import Accounts, render_accounts
from cove.node.images.etc import copy_etc, etc_facts
from cove.node.images.hidden import hidden_paths, usr_links
from cove.node.images.host import Host

_FORMAT = 2
"""Part of the fingerprint: raise it when the same host would be rendered otherwise."""


class Skeleton(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered image. Files below `path` are owned 0:0, those of the user's home 1000:1000, as on any disk.

    `binds` are (host directory, path inside) to be mounted read-only and *without* an idmap, so that only what is
    readable by all is readable inside. `hidden` are paths under /usr as they were when the image was rendered;
    `hidden_paths` looks again, in about a second; `usr_links` are added there. `environment` is for every process.
    """

    path: Path
    fingerprint: str
    links: dict[str, str]
    binds: tuple[tuple[Path, str], ...] = ()
    hidden: tuple[str, ...] = ()
    usr_links: dict[str, str] = {}
    environment: dict[str, str] = {}


def build_skeleton(target: Path, *, nameserver: str = "127.0.0.1", source: Path = Path("/")) -> Skeleton:
    """Render the image into `target/<fingerprint>/root`, or find it there; what a crash leaves is never taken for it.

    `source` is the host's root directory. Raises NotSupported on a host whose /bin is not a link into /usr.
    """
    host = Host.here(source)
    links = _merged_links(host)
    final = target / host_fingerprint(host, nameserver=nameserver)
    if not (final / "skeleton.json").exists():
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        _build(host, final, links=links, nameserver=nameserver)
    found = msgspec.json.decode((final / "skeleton.json").read_bytes(), type=Skeleton, dec_hook=_as_path)
    return msgspec.structs.replace(found, path=final / "root")


def host_fingerprint(host: Host, *, nameserver: str = "127.0.0.1") -> str:
    """A short name for the host's packages and configuration as they are now; a different one means drift."""
    digest = hashlib.sha256(f"{_FORMAT} {nameserver}\n{host.text('/etc/os-release')}".encode())
    for line in (*_package_state(host), *etc_facts(host.path("/etc"))):
        digest.update(line.encode(errors="surrogateescape") + b"\n")
    clients_state = (clients.pip_options(host), clients.npm_options(host), clients.environment(host))
    digest.update(msgspec.json.encode((*clients_state, clients.local_directories(host)), order="sorted"))
    return f"host-{digest.hexdigest()[:16]}"


def _as_path(_: type, value: object) -> Path:
    return Path(str(value))


def _package_state(host: Host) -> list[str]:
    try:
        state = host.path("/var/lib/dpkg/status").stat()
    except OSError:
        return ["no dpkg"]
    return [f"dpkg {state.st_size} {state.st_mtime_ns}"]


def _merged_links(host: Host) -> dict[str, str]:
    links = {}
    for name in (*layout.MERGED, *layout.MERGED_IF_THERE):
        path = host.path(name)
        if path.is_symlink() and os.readlink(path).lstrip("/").startswith("usr/"):
            links[name] = os.readlink(path).lstrip("/")
        elif path.exists() or name in layout.MERGED:
            raise NotSupported(
                what="the `host` image",
                reason=f"/{name} is not a symbolic link into /usr on this machine (it needs a merged /usr)",
            )
    return links


def _build(host: Host, final: Path, *, links: dict[str, str], nameserver: str) -> None:
    """Everything is made in a directory of its own, and takes its name in one step at the end."""
    scratch = final.parent / f".building-{os.getpid()}-{secrets.token_hex(4)}"
    scratch.mkdir(mode=0o755)
    try:
        _render(host, scratch / "root", links=links, nameserver=nameserver)
        _describe(host, scratch, final, links)
        try:
            scratch.rename(final)
        except OSError:
            if not (final / "skeleton.json").exists():  # else another one was faster, and made the same
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _describe(host: Host, scratch: Path, final: Path, links: dict[str, str]) -> None:
    skeleton = Skeleton(
        path=final / "root",
        fingerprint=final.name,
        links=links,
        binds=tuple((host.path(path), path) for path in clients.local_directories(host)),
        hidden=hidden_paths(host.root),
        usr_links=usr_links(host.root),
        environment=clients.environment(host),
    )
    (scratch / "skeleton.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(skeleton, enc_hook=os.fspath), indent=2)
    )


def _render(host: Host, root: Path, *, links: dict[str, str], nameserver: str) -> None:
    root.mkdir()
    root.chmod(0o755)
    copy_etc(host.path("/etc"), root / "etc")
    accounts = render_accounts(host.text("/etc/passwd"), host.text("/etc/group"))
    binds = tuple(path.lstrip("/") for path in clients.local_directories(host))
    _make_tree(root, accounts, links=links, binds=binds)
    for name, text in _texts(host, accounts, nameserver).items():
        _write(root / name, text)
    for name in ("etc/shadow", "etc/gshadow"):
        (root / name).chmod(0o640)
        _own(root / name, 0, accounts.shadow_gid)
    _make_home(root)


def _make_tree(root: Path, accounts: Accounts, *, links: dict[str, str], binds: tuple[str, ...]) -> None:
    for name, mode in {**layout.DIRECTORIES, **dict.fromkeys(binds, 0o755)}.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name).chmod(mode)
    for name, link in {**links, **layout.LINKS}.items():
        (root / name).unlink(missing_ok=True)
        (root / name).symlink_to(link)
    for name in layout.OWNED_BY_APT:
        _own(root / name, accounts.apt_uid, 0)


def _texts(host: Host, accounts: Accounts, nameserver: str) -> dict[str, str]:
    """Each file that is made rather than copied, by its path relative to the root."""
    npmrc = clients.render_npm(clients.npm_options(host))
    variables = {"PATH": layout.PATH, **clients.environment(host)}
    return {
        "etc/passwd": accounts.passwd,
        "etc/group": accounts.group,
        "etc/shadow": accounts.shadow,
        "etc/gshadow": accounts.gshadow,
        **dict.fromkeys(("etc/subuid", "etc/subgid", "etc/fstab"), ""),
        "etc/hostname": layout.HOSTNAME + "\n",
        "etc/hosts": layout.HOSTS,
        "etc/resolv.conf": f"nameserver {nameserver}\n",
        "etc/machine-id": layout.MACHINE_ID + "\n",
        "etc/environment": "".join(f'{name}="{value}"\n' for name, value in variables.items()),
        "etc/pip.conf": clients.render_pip(clients.pip_options(host)),
        **dict.fromkeys(("etc/npmrc", "root/.npmrc"), npmrc),
        "tmp/README": layout.TMP_README,
    }


def _make_home(root: Path) -> None:
    """Root's and the user's homes, from /etc/skel; npm's global file lies under /usr, so each has one of its own."""
    home = root / HOME.lstrip("/")
    home.mkdir(mode=0o755)
    shutil.copytree(root / "etc/skel", home, dirs_exist_ok=True, symlinks=True)
    for name, text in ((".bashrc", layout.FALLBACK_BASHRC), (".profile", layout.FALLBACK_PROFILE)):
        if not (home / name).exists():
            _write(home / name, text)
        shutil.copyfile(home / name, root / "root" / name)
    shutil.copyfile(root / "etc/npmrc", home / ".npmrc")
    for path in (home, *home.rglob("*")):
        _own(path, USER_ID, USER_ID)


def _write(path: Path, text: str) -> None:
    path.write_text(text, errors="surrogateescape")
    path.chmod(0o644)


def _own(path: Path, uid: int, gid: int) -> None:
    """Only root gives files away; unprivileged, the id map of the sandbox does it."""
    if os.geteuid() == 0:
        os.chown(path, uid, gid, follow_symlinks=False)
