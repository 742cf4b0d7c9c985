"""The gateway's process: `python -m cove.gateway CONTROL_FD LISTENER_FD`. It ends with its control socket."""

import socket
import sys
from functools import partial

from cove.gateway.asking import Server
from cove.gateway.control import Channel, Setup
from cove.gateway.places import Place, below_wildcard, on_loopback
from cove.gateway.service import Service
from cove.nobody import run_as_nobody


def place_of(setup: Setup) -> Place:
    """Where links live, as the server says."""
    if setup.wildcard:
        return below_wildcard(setup.wildcard)
    return on_loopback("https" if setup.is_secure else "http")


async def _serve(control: socket.socket, listener: socket.socket, file_limit: int) -> None:
    channel = Channel(control)
    server = Server(channel)
    setup = await server.setup()
    if setup is not None:
        await Service(server, place_of(setup), file_limit, is_secure=setup.is_secure).run(listener)
    channel.close()


def main() -> None:
    """Serve the links of the server at the other end of the first socket, to those who connect to the second."""
    control, listener = (socket.socket(fileno=int(fd)) for fd in sys.argv[1:3])
    listener.setblocking(False)
    run_as_nobody("the gateway", partial(_serve, control, listener))


if __name__ == "__main__":
    main()
