"""What the guest's tests share: the door to a guest that serves on a real socket, and short ways to call a tool."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cove.core.frames import FrameReader, frame
from cove.guest import Guest

_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.execv(sys.executable, [sys.executable, "-m", "cove.guest.init", *sys.argv[2:]])
"""
PATIENCE = 60.0
OUTPUT_BYTES = 64 * 1024
IS_ROOT = os.geteuid() == 0


class Door:
    """The way to a guest that serves on a socket; its processes live in a pid namespace of their own."""

    def __init__(self, directory: Path, *, users_home: Path) -> None:
        self.home = users_home
        self.path = str(directory / "guest.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(64)
        argv = ["--output-bytes", str(OUTPUT_BYTES), "--home", str(users_home), "--uid", "1000", "--gid", "1000"]
        argv += ["--state", str(directory / "env.json"), "--switch-user", str(int(IS_ROOT))]
        unshare = ["unshare", *([] if IS_ROOT else ["-r"]), "-p", "-f", "--mount-proc", "--kill-child"]
        fd = listener.fileno()
        command = [*unshare, sys.executable, "-c", _START, str(fd), *argv]
        self.process = subprocess.Popen(command, pass_fds=[fd])
        listener.close()

    def connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(self.path)
        return connection

    def ask(self, method: str, params: Any = None) -> dict[str, Any]:
        with self.connect() as connection:
            connection.sendall(frame({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}))
            return answer_on(connection)

    def call(self, name: str, arguments: dict[str, Any], call_id: str | None = None) -> dict[str, Any]:
        """What the tool gave: its structured content, or {code, message}."""
        return dict(
            self.ask("tools/call", {"name": name, "arguments": arguments, "callId": call_id})["result"][
                "structuredContent"
            ]
        )

    def shell(self, command: str, **arguments: Any) -> dict[str, Any]:
        return self.call("shell", {"command": command, **arguments})

    def server_pid(self) -> int:
        """The serving process, as the host counts, once there is one."""
        return int(eventually(lambda: next(filter(_is_python, children(self.init_pid())), 0)))

    def init_pid(self) -> int:
        """Pid 1 of the namespace, as the host counts."""
        return int(eventually(lambda: next(iter(children(self.process.pid)), 0)))

    def close(self) -> None:
        """End all of it: pid 1 is gone only when the others are, and `unshare` only when pid 1 is."""
        if self.process.poll() is None:
            kill(self.init_pid())
        self.process.wait(PATIENCE)


def _is_python(pid: int) -> bool:
    try:
        return "python" in Path(f"/proc/{pid}/comm").read_text()
    except OSError:  # it has ended since it was listed
        return False


def children(pid: int) -> list[int]:
    """The child processes, whichever thread made them."""
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # the thread has ended since it was listed
            found += [int(child) for child in file.read_text().split()]
    return found


def answer_on(connection: socket.socket) -> dict[str, Any]:
    """The one message that comes back; raises EOFError when none does."""
    reader = FrameReader()
    while data := connection.recv(1 << 18):
        if messages := reader.feed(data):
            assert len(messages) == 1
            return messages[0]
    raise EOFError


def eventually(condition: Callable[[], Any], *, patience: float = PATIENCE) -> Any:
    """The first true value of `condition`, which is asked again and again; fails when there is none in time."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if value := condition():
            return value
        select.select([], [], [], 0.01)
    raise AssertionError("it never came true")


def done(guest: Guest, name: str, **arguments: Any) -> dict[str, Any]:
    """The result of a tool that must succeed."""
    outcome = guest.call(name, arguments)
    assert outcome.failure is None, outcome.failure
    assert outcome.structured is not None
    return outcome.structured


def failure_of(guest: Guest, name: str, **arguments: Any) -> str:
    """The code with which a tool must fail."""
    outcome = guest.call(name, arguments)
    assert outcome.failure is not None, outcome.structured
    assert len(outcome.failure.message) > 10
    return outcome.failure.code


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
