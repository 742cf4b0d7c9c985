"""An ordinary user, made for a test run and removed after it, and a Python with Cove that this user may start."""

import fcntl
import os
import pwd
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.waiting import until_none
from tests.world import command_of, is_alive, pids, uid_of

import cove
from cove.core.account import ID_RANGE

LENT = (Path("/etc/subuid"), Path("/etc/subgid"))
_LOWEST = 100_000
_REMOVAL_SECONDS = 60
_VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"


class NoPython(Exception):  # noqa: N818
    """There is no interpreter of this version that an ordinary user may start."""


class OrdinaryUser:
    """A user with a home; `lend` gives ids, without which there is only the user's own."""

    def __init__(self) -> None:
        self.name = f"cove-{secrets.token_hex(4)}"
        self.home = Path("/home") / self.name
        with _accounts():
            subprocess.run(
                ["useradd", "--home-dir", self.home, "--create-home", "--shell", "/bin/sh", self.name], check=True
            )
            self._take_back()
        self.uid, self.gid = pwd.getpwnam(self.name)[2:4]

    def lend(self) -> None:
        """Lend 65,536 ids that are nobody else's."""
        with _accounts():
            first = _free_id()
            for file in LENT:
                with file.open("a") as lines:
                    lines.write(f"{self.name}:{first}:{ID_RANGE}\n")

    @property
    def first_lent(self) -> int:
        """The first id that is lent; 0 if none is."""
        found = [line.split(":")[1] for line in LENT[0].read_text().splitlines() if line.startswith(f"{self.name}:")]
        return int(found[0]) if found else 0

    def copy(self, program: Path) -> Path:
        """A program, where the user may read it."""
        copied = self.home / program.name
        shutil.copyfile(program, copied)
        copied.chmod(0o644)
        return copied

    def processes(self) -> list[str]:
        """Those that run as the user, or with an id that is lent."""
        first = self.first_lent
        ids = {self.uid, *range(first, first + (ID_RANGE if first else 0))}
        return [f"process {pid} {command_of(pid)}" for pid in pids() if uid_of(pid) in ids and is_alive(pid)]

    def take_back(self) -> None:
        """What was lent."""
        with _accounts():
            self._take_back()

    def _take_back(self) -> None:
        """By us or by useradd."""
        for file in LENT:
            lines = file.read_text().splitlines(keepends=True) if file.exists() else []
            file.write_text("".join(line for line in lines if not line.startswith(f"{self.name}:")))

    def remove(self) -> None:
        """With the home and everything in it, whoever owns it."""
        with _accounts():
            self._take_back()
            subprocess.run(["userdel", "--force", self.name], check=True, capture_output=True)
        removal = subprocess.Popen(["rm", "-rf", "--", self.home])
        with suppress(subprocess.TimeoutExpired):  # tens of thousands of directories: it ends its work without us
            removal.wait(_REMOVAL_SECONDS)

    def start(self, command: list[str], **options: Any) -> "subprocess.Popen[str]":
        """A process of this user's, in a clean environment and in the home."""
        environ = {"HOME": str(self.home), "USER": self.name, "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        environ |= options.pop("env", {})
        return subprocess.Popen(
            command, user=self.uid, group=self.gid, extra_groups=[], env=environ, cwd=self.home, text=True, **options
        )

    def run(self, *command: str, seconds: float = 150, **options: Any) -> "subprocess.CompletedProcess[str]":
        """The same, to its end."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
        with self.start(list(command), **pipes) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    @property
    def python(self) -> str:
        """An interpreter that imports Cove; made by `give_python`."""
        return str(self.home / "python/bin/python3")

    def give_python(self) -> None:
        """Make it: our packages where the user may read them, a copy where not. Raises NoPython."""
        packages = self.home / "python/lib" / _VERSION / "site-packages"
        packages.mkdir(parents=True)
        interpreter = self._interpreter()
        (self.home / "python/bin").mkdir()
        Path(self.python).symlink_to(interpreter)
        (self.home / "python/pyvenv.cfg").write_text(f"home = {interpreter.parent}\n")
        code = Path(cove.__file__).parents[1]
        site = next(Path(path) for path in sys.path if path.endswith("-packages"))
        places = [
            self._readable(place, packages.parent / f"copy-{number}") for number, place in enumerate({site, code})
        ]
        (packages / "cove-test.pth").write_text("".join(f"{place}\n" for place in places))

    def _interpreter(self) -> Path:
        base = os.path.realpath(sys.executable)
        for path in (base, f"/usr/bin/{_VERSION}", f"/usr/local/bin/{_VERSION}"):
            if os.path.exists(path) and self._can(path, "-I", "-c", "import ssl, sqlite3"):
                return Path(path)
        raise NoPython(f"no {_VERSION} that an ordinary user may start")

    def _readable(self, place: Path, copy: Path) -> Path:
        if self._can("ls", str(place)):
            return place
        shutil.copytree(place, copy, copy_function=_link_or_copy, ignore=shutil.ignore_patterns("__pycache__"))
        return copy

    def _can(self, *command: str) -> bool:
        try:
            return self.run(*command).returncode == 0
        except OSError:
            return False


@contextmanager
def ordinary_user(*, lent: bool = True) -> Iterator[OrdinaryUser]:
    """One with a Python, and with ids lent or without."""
    user = OrdinaryUser()
    try:
        user.give_python()
        if lent:
            user.lend()
        yield user
        until_none(user.processes)
    finally:
        user.remove()


@contextmanager
def _accounts() -> Iterator[None]:
    """Change the lists of users and of what is lent to them, as the only one of all test runs."""
    place = os.open("/home", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _free_id() -> int:
    rows = [line.split(":") for file in LENT if file.exists() for line in file.read_text().splitlines()]
    return max([_LOWEST, *(int(first) + int(count) for _, first, count in rows)])
