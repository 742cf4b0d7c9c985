"""Where something is mounted below /usr, as in containers with a graphics card, /usr is read-only inside."""

import subprocess
from collections.abc import Iterator

import pytest

from .ordinary import OrdinaryUser
from .serving import OrdinaryServer

MOUNT = """
mount -t tmpfs none /usr/games && id=$0 group=$1 && shift
exec setpriv --reuid $id --regid $group --clear-groups "$@"
"""


class Mounted(OrdinaryServer):
    """A server in a mount namespace with a mount below /usr."""

    def spawn(self, *command: str) -> None:
        """Mounted by root, started as the user."""
        environ = {"HOME": str(self.user.home), "PATH": "/usr/bin:/bin"} | self.environ
        numbers = (str(self.user.uid), str(self.user.gid))
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT, *numbers, *command],
            env=environ,
            cwd=self.user.home,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )


@pytest.fixture
def served(ordinary: OrdinaryUser) -> Iterator[OrdinaryServer]:
    """It, up."""
    server = Mounted(ordinary)
    try:
        server.up()
        yield server
    finally:
        server.close()


def test_usr_is_read_only_and_said_to_be(served: OrdinaryServer) -> None:
    with served.client() as bay, bay.open() as inside:
        assert inside.command.run("cd; echo kept > a; cat a; id -un", user="root").unwrap() == "kept\nroot\n"
        assert "Read-only file system" in inside.command.run("touch /usr/bin/new", user="root").stderr
        assert any("/usr is read-only" in note for note in bay.server.capabilities().isolation.notes)
