"""The gateway's process: `python -m cove.gateway CONTROL_FD LISTENER_FD`. It ends with its control socket."""

import asyncio
import os
import resource
import socket
import sys

import uvloop

from cove.gateway.asking import Server
from cove.gateway.control import Channel
from cove.gateway.places import below_wildcard, on_loopback
from cove.gateway.service import Service

_NOBODY = 65534


async def _serve(control: socket.socket, listener: socket.socket, file_limit: int) -> None:
    channel = Channel(control)
    server = Server(channel)
    setup = await server.setup()
    if setup is not None:
        place = below_wildcard(setup.wildcard) if setup.wildcard else on_loopback
        await Service(server, place, file_limit).run(listener)
    channel.close()


def _open_more_files() -> int:
    """Raise the limit as far as we may; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _become_nobody() -> None:
    """It reads what browsers and sessions send, and needs no rights for that: its sockets come from the server."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.geteuid() != 0:
        return
    try:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    except OSError as error:  # root of a container that has no other user ids
        print(f"the gateway stays uid {os.geteuid()}: {error}", file=sys.stderr)


def main() -> None:
    """Serve the links of the server at the other end of the first socket, to those who connect to the second."""
    control, listener = (socket.socket(fileno=int(fd)) for fd in sys.argv[1:3])
    listener.setblocking(False)
    file_limit = _open_more_files()
    "example".encode("idna")  # what is imported late must be imported before we can read nothing any more
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        _become_nobody()
        runner.run(_serve(control, listener, file_limit))


if __name__ == "__main__":
    main()
