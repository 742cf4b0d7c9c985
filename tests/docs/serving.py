"""The Cove that the pages talk to: `cove up` itself where we are root, else one with simulated sandboxes."""

import shlex
import sys

from tests.serving import IS_REAL, Server

_LAST_LINE = "sessions live on."


class Serving(Server):
    """A server on one data directory, started again with other options where a page asks for it."""

    _options = ""

    def serve(self) -> None:
        """See that a server runs; with which options is for pages that start it themselves, but that it speaks HTTP."""
        if not self.is_running or "--tls" in self._options:
            self.restart("")

    @property
    def url(self) -> str:
        """Its address over TCP."""
        with self.client() as bay:
            return bay.server.health().url

    def restart(self, options: str) -> str:
        """A server with these options and an empty store; what it says when it serves."""
        if self.is_running:
            self.delete_sessions()
            assert self.stop() == 0, self.errors()
        self._options = options
        for path in self.data.glob("cove.db*"):
            path.unlink()
        if not IS_REAL:
            self.up_simulated()
            return ""
        self.spawn("bash", "-c", f"exec {shlex.quote(sys.executable)} -m cove up {options}")
        return self.await_output(_LAST_LINE)
