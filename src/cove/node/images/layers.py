"""An ordinary user's `host` image: layers that the sandbox's root owns, since no mount can be mapped to it.

The host's /usr belongs to somebody whom the sandbox does not know, so nothing could be written below its directories.
A layer of directories alone, the sandbox's own, lies over it and mends that; the host's files under them stay as they
are: readable, removable and replaceable by new ones, but not to be changed in place. dpkg's database is copied.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from cove.core.account import HOME
from cove.node.images.skeleton import Skeleton, build_skeleton
from cove.node.whiteouts import make_whiteouts

_DPKG = Path("/var/lib/dpkg")
_LOCAL = f"{HOME}/.local"


class Layers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the layers are, relative to the images' directory; `dpkg` is empty where there is none."""

    fingerprint: str
    root: str
    usr: str
    dpkg: str
    binds: list[tuple[str, str]]


def render_layers(*, has_range: bool) -> Layers:
    """Render into the current directory as who owns a sandbox's files, or find it there: takes seconds, once."""
    skeleton = build_skeleton(Path())
    place = skeleton.path.parent
    _make_once(place / "usr", lambda made: _make_usr(made, skeleton, with_directories=has_range))
    dpkg = place / "dpkg"
    if _DPKG.is_dir():
        _make_once(dpkg, _copy_dpkg)
    if not has_range:
        _make_once(place / "at-home", lambda made: _install_at_home(skeleton.path, made))
    binds = [(str(host), inside) for host, inside in skeleton.binds]
    return Layers(
        fingerprint=skeleton.fingerprint,
        root=str(skeleton.path),
        usr=str(place / "usr"),
        dpkg=str(dpkg) if dpkg.exists() else "",
        binds=binds,
    )


def _make_once(target: Path, make: Callable[[Path], None]) -> None:
    """Complete or not at all; another one may have been faster."""
    if target.exists():
        return
    scratch = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        make(scratch)
        scratch.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _make_usr(target: Path, skeleton: Skeleton, *, with_directories: bool) -> None:
    make_whiteouts(target, skeleton.hidden, skeleton.usr_links)
    if with_directories:
        _copy_directories("/usr", target, set(skeleton.hidden))


def _copy_directories(source: str, target: Path, hidden: set[str]) -> None:
    """The host lives on: what it removes meanwhile is passed over."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(source) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.path not in hidden:
                _copy_directory(entry, target / entry.name, hidden)


def _copy_directory(entry: os.DirEntry[str], place: Path, hidden: set[str]) -> None:
    with suppress(FileNotFoundError):
        mode = entry.stat(follow_symlinks=False).st_mode & 0o7777
        place.mkdir(exist_ok=True)
        place.chmod(mode)
        _copy_directories(entry.path, place, hidden)


def _copy_dpkg(target: Path) -> None:
    """Its locks, which only root reads, are made when they are needed."""

    def unreadable(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if not os.access(os.path.join(directory, name), os.R_OK)]

    def copy(source: str, copied: str) -> None:
        with suppress(FileNotFoundError):  # the host has removed it meanwhile
            shutil.copy2(source, copied)

    shutil.copytree(_DPKG, target, symlinks=True, ignore=unreadable, copy_function=copy)


def _install_at_home(root: Path, done: Path) -> None:
    """Where nobody is root, programs are installed at home, and found there."""
    environment = root / "etc/environment"
    environment.write_text(environment.read_text().replace('PATH="', f'PATH="{_LOCAL}/bin:', 1))
    with (root / "home/wuying/.npmrc").open("a") as npmrc:
        npmrc.write(f"\nprefix={_LOCAL}\n")
    done.mkdir()


def take_over(source: str, name: str, owner: int) -> None:
    """Copy an image's root directory to `name` in the current one, and give it to the sandbox's root.

    As it was: whose files the user owns was the image's root before he unpacked it.
    """

    def copy(target: Path) -> None:
        command = ["cp", "--archive", "--reflink=auto", "--", source, str(target)]
        subprocess.run(command, check=True, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"})
        for directory, directories, files in os.walk(target):
            for path in (os.path.join(directory, entry) for entry in (".", *directories, *files)):
                os.chown(path, owner, owner, follow_symlinks=False)

    _make_once(Path(name), copy)
