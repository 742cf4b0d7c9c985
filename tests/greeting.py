"""A server on this machine, outside of every sandbox, that says hello to whoever speaks to it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

SECONDS = 60.0


@contextmanager
def greeting(host: str) -> Iterator[int]:
    """One at `host`; its port."""
    with socket.create_server((host, 0)) as door:
        threading.Thread(target=_greet, args=(door,), daemon=True).start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)


def _greet(door: socket.socket) -> None:
    while True:
        try:
            connection, _ = door.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection, suppress(OSError):  # one that breaks off, or says nothing, is in nobody's way
        connection.settimeout(SECONDS)
        connection.recv(64)
        connection.sendall(b"hello")


def own_address() -> str:
    """An address of this machine in its network; its loopback's if it has no other."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # sends nothing: the kernel only chooses the address
        except OSError:
            return "127.0.0.1"
        return str(asked.getsockname()[0])
