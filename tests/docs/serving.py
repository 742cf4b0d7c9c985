"""The Cove that the pages talk to: `cove up` itself where we are root, else one with simulated sandboxes."""

import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.environment import clean_environment

from cove import AgentBay

SIMULATED = Path(__file__).parents[1] / "app" / "up_for_tests.py"
IS_REAL = os.geteuid() == 0 and os.environ.get("COVE_TEST_DRIVER", "real") == "real"
_SECONDS = 60
_LAST_LINE = "Clients on this machine need neither."


class Serving:
    """A server on one data directory, started again with other options where a page asks for it."""

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="cove-docs-", dir="/tmp"))
        self.environ = {
            "COVE_DATA": str(self.data),
            "COVE_PORT": "0",
            "COVE_FIRST_UID": "2200000000",
            "COVE_SLOTS": "64",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """See that a server runs; with which options is for pages that start it themselves."""
        if self._process is None:
            self.restart("")

    def restart(self, options: str) -> str:
        """A server with these options and an empty store; what it says when it serves."""
        self.end()
        for path in self.data.glob("cove.db*"):
            path.unlink()
        ours = clean_environment()
        real = ["bash", "-c", f"exec {shlex.quote(sys.executable)} -m cove up {options}"]
        self._process = subprocess.Popen(
            real if IS_REAL else [sys.executable, str(SIMULATED), str(self.data)],
            env=ours | self.environ,
            stdout=subprocess.PIPE,
        )
        return self._said()

    def _said(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        said, pipe = "", self._process.stdout.fileno()
        while _LAST_LINE not in said and not said.startswith("{"):
            ready, _, _ = select.select([pipe], [], [], _SECONDS)
            piece = os.read(pipe, 65536) if ready else b""
            assert piece, f"the server did not start: {said}"
            said += piece.decode()
        return said

    def end(self) -> None:
        """Delete every session and stop the server."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            self._delete_sessions()
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        process.stdout.close()
        process.wait(_SECONDS)

    def _delete_sessions(self) -> None:
        with AgentBay(endpoint=f"unix://{self.data}/run/cove.sock") as bay:
            while found := bay.list(limit=100).unwrap():
                for entry in found:
                    bay.get(entry["sessionId"]).unwrap().delete().unwrap()

    def close(self) -> None:
        """End it, and leave nothing behind."""
        try:
            self.end()
        finally:
            shutil.rmtree(self.data)
