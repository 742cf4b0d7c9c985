"""A Cove of its own for the demo: a server process on a temporary data directory, and the sweep at the end."""

import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from select import select
from typing import IO, TYPE_CHECKING, Self

import msgspec

from cove.cli.settings import unaddressed
from cove.core.errors import CoveError

if TYPE_CHECKING:
    from cove import AgentBay, Session
    from cove.app.local import Started

_START_SECONDS = 120.0
"""The first start renders the image and builds the guest's runtime."""
_STOP_SECONDS = 30.0


class Stage:
    """Use it as a context manager: at its end nothing of the Cove is left, however the story went."""

    def __init__(self, allow: tuple[str, ...]) -> None:
        self.allow = allow
        self.data = Path(tempfile.mkdtemp(prefix="cove-demo-"))
        self.process: subprocess.Popen[bytes] | None = None
        self.started: Started | None = None
        self._bay: AgentBay | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._end_sessions()
        finally:
            self.stop()
            self._sweep()
            self.clear()

    def _sweep(self) -> None:
        """End what a server that could not be started again has left; there is nothing where all went well."""
        from cove.node.cgroups import Group, find_hierarchies, remove_instance, session_names

        file = self.data / "instance"
        if not file.exists():
            return
        hierarchies, instance = find_hierarchies(), file.read_text().strip()
        for name in session_names(hierarchies, instance):
            Group(hierarchies, instance, name).remove()
        remove_instance(hierarchies, instance)

    def clear(self) -> None:
        """Remove the data directory."""
        from cove.node.removal import remove_lent

        remove_lent(self.data)
        shutil.rmtree(self.data, ignore_errors=True)

    @property
    def bay(self) -> "AgentBay":
        """A client of this stage's Cove, over its socket."""
        from cove import AgentBay

        if self._bay is None:
            self._bay = AgentBay(endpoint=f"unix://{self.data}/run/cove.sock")
        return self._bay

    def start(self) -> "Started":
        """Run `cove up` and wait until it answers; raises CoveError with what it said if it does not."""
        from cove.app.local import Started

        command = [sys.executable, "-m", "cove", "up", "--json", "--host", "127.0.0.1", "--port", "0"]
        command += [
            "--network",
            "rules",
            "--data",
            str(self.data),
            *(word for entry in self.allow for word in ("--allow", entry)),
        ]
        with (self.data / "stderr").open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, env=unaddressed(), start_new_session=True
            )
        assert self.process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = _first_line(self.process.stdout)
        if not line:
            self.stop()
            raise CoveError(reason=f"`cove up` did not start: {self._said()}")
        self.started = msgspec.json.decode(line, type=Started)
        return self.started

    def _said(self) -> str:
        lines = (self.data / "stderr").read_text(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("cove: ") if lines else "it said nothing"

    def kill(self) -> int:
        """SIGKILL the server, and nothing else; the signal it ended by."""
        return self._end(signal.SIGKILL)

    def stop(self) -> int:
        """Ask the server to end; its exit code, 0 if there is none."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self._bay is not None:
            self._bay.close()
            self._bay = None
        if self.process is None:
            return 0
        process, self.process = self.process, None
        process.send_signal(number)
        try:
            return abs(process.wait(_STOP_SECONDS))
        except subprocess.TimeoutExpired:
            process.kill()
            return abs(process.wait())
        finally:
            if process.stdout:
                process.stdout.close()

    def session(self, session_id: str) -> "Session":
        """A session of this stage."""
        return self.bay.get(session_id).unwrap()

    def _end_sessions(self) -> None:
        """Delete what a story that broke off has left; a server that is dead is started once more for it."""
        if self.started is None:
            return
        if self.process is None and any((self.data / "sandboxes").glob("*")):
            self.start()
        if self.process is not None and self.process.poll() is None:
            for entry in self.bay.list(limit=100).unwrap():
                self.session(entry["sessionId"]).delete()


def _first_line(stream: IO[bytes]) -> bytes:
    ready, _, _ = select([stream], [], [], _START_SECONDS)
    return stream.readline() if ready else b""
