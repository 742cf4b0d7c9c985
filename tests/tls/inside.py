"""What a session serves: simulated sandboxes are at home on this machine's loopback, and a port of it may be taken."""

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from cove.core.link import FIRST_PORT, LAST_PORT

ECHO = """
import socket, sys, websockets.sync.server
door = socket.socket(fileno=int(sys.argv[1]))
with websockets.sync.server.serve(lambda each: [each.send(m) for m in each], sock=door) as server:
    server.serve_forever()
"""
FILES = """
import functools, http.server, socket, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""


@contextmanager
def serving(program: str, *arguments: str, doors: int = 1) -> Iterator[list[int]]:
    """The ports of a program that takes the descriptors of so many listening sockets, and then `arguments`."""
    opened = [_door() for _ in range(doors)]
    descriptors = [door.fileno() for door in opened]
    command = [sys.executable, "-c", program, *map(str, descriptors), *arguments]
    process = subprocess.Popen(command, pass_fds=descriptors, stderr=subprocess.DEVNULL)
    try:
        yield [int(door.getsockname()[1]) for door in opened]
    finally:
        process.kill()
        process.wait()
        for door in opened:
            door.close()


def _door() -> socket.socket:
    """A socket that listens where links may lead."""
    ports = range(FIRST_PORT, LAST_PORT + 1)
    for port in random.sample(ports, len(ports)):
        with suppress(OSError):  # somebody has it
            return socket.create_server(("127.0.0.1", port))
    raise AssertionError("every port to which links may lead is taken")
