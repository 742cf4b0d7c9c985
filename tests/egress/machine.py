"""A machine of the tests' own: a program runs in its network, beside services that say hello at each of its addresses.

`machine.py DIRECTORY PROGRAM …` writes its process id into DIRECTORY's pipe `pid`, waits for the pipe `go` to be opened
(its interface is there by then), puts DIRECTORY's `resolv.conf` and `hosts` over those of /etc, starts the services,
and becomes the program.
"""

import os
import socket
import sys
import threading
from pathlib import Path

from cove.node.syscalls import CLONE_NEWNET, CLONE_NEWNS, MS_BIND, MS_PRIVATE, MS_REC, mount, prctl, unshare

EVERYWHERE, LOOPBACK = 9000, 9001
"""Ports of two services: one listens at every address of the machine, one on its loopback alone."""
_PR_SET_PDEATHSIG, _SIGKILL = 1, 9


def main() -> None:
    directory, program = sys.argv[1], sys.argv[2:]
    unshare(CLONE_NEWNET | CLONE_NEWNS)
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    Path(directory, "pid").write_text(str(os.getpid()))
    Path(directory, "go").read_text()
    for name in ("resolv.conf", "hosts"):
        mount(f"{directory}/{name}", f"/etc/{name}", None, MS_BIND)
    doors = [
        socket.create_server(("::", EVERYWHERE), family=socket.AF_INET6, dualstack_ipv6=True),
        socket.create_server(("127.0.0.1", LOOPBACK)),
    ]
    if os.fork() == 0:
        prctl(_PR_SET_PDEATHSIG, _SIGKILL)
        serve(doors)
    os.execv(program[0], program)


def serve(doors: list[socket.socket]) -> None:
    for door in doors:
        threading.Thread(target=greet_all, args=(door,), daemon=True).start()
    threading.Event().wait()


def greet_all(door: socket.socket) -> None:
    while True:
        connection, _ = door.accept()
        with connection:
            try:
                connection.recv(64)
                connection.sendall(b"hello from the machine")
            except OSError:  # broken off
                continue


if __name__ == "__main__":
    main()
