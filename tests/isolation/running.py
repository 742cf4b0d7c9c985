"""A Cove with walls left out, or with all of them, and a session of it with the attacks in it."""

import json
import os
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import msgspec
from tests.serving import Server

import cove
from cove.node.cgroups import Group, find_hierarchies

HERE = Path(__file__).parent
PROGRAMS = "/tmp/attacks"
PYTHON = "/run/cove/rt/lib/ld.so --library-path /run/cove/rt/lib /run/cove/rt/bin/python3 -S -B"
"""The guest's own interpreter, since a session's root need not have one."""
SETUID_PROGRAM = f"{PROGRAMS}/id"
SOON, LONG = 20_000, 200_000
"""Milliseconds that a busy machine may take for next to nothing, and for what takes seconds on an idle one."""
RENDERED = ("images", "runtime", "disks")


class Verdict(msgspec.Struct, frozen=True):
    """Whether an attack got what it wanted, and what that was, or what stopped it."""

    breached: bool
    told: Any


class Running(Server):
    """A server without some walls, and a client of it. It renders its own image, or takes that of `rendered`.

    A context manager: at the end its sessions are deleted, and it is ended.
    """

    def __init__(self, *left_out: str, token: str, rendered: Path | None = None, allow: str = "") -> None:
        super().__init__(token, COVE_TEST_SECRET=token, COVE_ALLOW=allow, COVE_CACHE="", COVE_NETWORK="rules")
        for name in RENDERED if rendered else ():
            (self.data / name).symlink_to(rendered / name)
        try:
            started = self.run(sys.executable, str(HERE / "server.py"), str(self.data), *left_out)
        except BaseException:
            self.raze()
            raise
        self.port = int(started.url.rpartition(":")[2])
        self.bay = self.client()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bay.close()
        self.close()

    def session(self, **limits: Any) -> "Inside":
        """A new session with the attacks in it."""
        return Inside(self, self.bay.create(cove.CreateSessionParams(limits=limits or None)).unwrap())

    def group(self, session_id: str) -> Group:
        """A session's control groups."""
        return Group(find_hierarchies(), (self.data / "instance").read_text().strip(), session_id)

    def directory(self, session_id: str) -> Path:
        """What the host keeps of a session."""
        return self.data / "sandboxes" / session_id

    def memory(self, kind: str = "VmRSS") -> int:
        """Bytes of memory of the server: now, or (VmHWM) the most since `forget_peak`."""
        return int(field(self.process.pid, kind).split()[0]) * 1024

    def forget_peak(self) -> None:
        """Count the peak anew."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


class Inside:
    """A session, seen by an attacker in it. A context manager: at the end it is deleted."""

    def __init__(self, running: Running, session: "cove.Session") -> None:
        self.running = running
        self.session = session
        for path in sorted((HERE / "inside").glob("*.py")):
            written = session.file_system.write_file(f"{PROGRAMS}/{path.name}", path.read_text())
            assert written.success, written.error_message
        self.run(f"cp $(readlink -f $(command -v id)) {SETUID_PROGRAM} && chmod 4755 {SETUID_PROGRAM}", user="root")

    def __enter__(self) -> "Inside":
        return self

    def __exit__(self, *_: object) -> None:
        self.delete()

    def delete(self) -> None:
        """Delete the session, with nothing left of it."""
        group = self.running.group(self.id)
        self.session.delete().unwrap()
        assert not self.running.directory(self.id).exists()
        assert not group.exists()

    @property
    def id(self) -> str:
        """The session's."""
        return str(self.session.session_id)

    def run(self, command: str, **options: Any) -> str:
        """What a command prints; it must succeed."""
        return str(self.try_to_run(command, **options).unwrap())

    def try_to_run(self, command: str, **options: Any) -> Any:
        """A command's result."""
        return self.session.command.run(command, **options)

    def attack(self, name: str, *arguments: str, user: str = "wuying") -> Verdict:
        """How an attack of `inside/` goes."""
        output = self.run(f"{PYTHON} {PROGRAMS}/attack.py {name} {quoted(arguments)}", user=user, timeout_ms=LONG)
        return msgspec.convert(json.loads(output), Verdict)

    def members(self) -> set[int]:
        """Its processes, as the host numbers them."""
        return self.running.group(self.id).members()

    def named(self, name: str) -> list[int]:
        """Those of its processes that are called so."""
        return [pid for pid in self.members() if field(pid, "Name") == name]

    def first_process(self) -> int:
        """The host's number of the process that is 1 inside."""
        (pid,) = (pid for pid in self.members() if field(pid, "NSpid").split()[1:] == ["1"])
        return pid


def on_host(name: str, *arguments: str) -> Verdict:
    """How the same attack goes where the wall is not."""
    command = [sys.executable, str(HERE / "inside" / "attack.py"), name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return msgspec.convert(json.loads(done.stdout), Verdict)


def open_files(pid: int) -> list[str]:
    """What a process has open, but for what it closes meanwhile; nothing once it has ended."""
    found = []
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(FileNotFoundError):
                found.append(os.readlink(f"/proc/{pid}/fd/{name}"))
    return found


def field(pid: int, name: str) -> str:
    """A line of a process's status; empty if the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:")), "")


def quoted(arguments: tuple[str, ...]) -> str:
    """The arguments, for a shell."""
    return shlex.join(arguments)
