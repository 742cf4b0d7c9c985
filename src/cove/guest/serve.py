"""The guest's server: threads and blocking sockets, one connection for one request. Started by `cove.guest.init`."""

import gc
import socket
import sys
import threading

from cove.core.frames import FrameReader, FrameRefused, frame
from cove.guest.dispatch import refusal, respond
from cove.guest.service import Guest
from cove.guest.settings import GuestSettings

SECONDS_TO_ASK = 30.0
"""For a client to deliver its request, from one piece to the next."""
SECONDS_TO_TAKE = 60.0
"""For a client to take a piece of the answer. Who is slower asks again, by the call's id."""
MOST_CONNECTIONS = 256
_READ = 256 * 1024
_CREDENTIALS = 12
"""Bytes of the kernel's struct ucred: pid, uid and gid."""
_BUSY = -32000


def serve(listener: socket.socket, guest: Guest) -> None:
    """Answer connections until the listener is closed."""
    places = threading.BoundedSemaphore(MOST_CONNECTIONS)
    while True:
        connection, _ = listener.accept()
        connection.settimeout(SECONDS_TO_ASK)
        if not places.acquire(blocking=False):
            _send(connection, refusal(_BUSY, f"the guest answers {MOST_CONNECTIONS} connections already"))
            continue
        try:
            threading.Thread(target=_converse, args=(connection, guest, places), daemon=True).start()
        except RuntimeError:
            # The session has all the processes it may have, and a thread counts as one. Answer here, one after the
            # other: so a command that forks without end can still be cancelled, and others are told what is wrong.
            _converse(connection, guest, places)


def _converse(connection: socket.socket, guest: Guest, places: threading.BoundedSemaphore) -> None:
    try:
        with connection:
            if _is_trusted(connection) and (response := _answer(connection, guest)) is not None:
                _send(connection, response)
    except OSError:
        pass  # the client has gone, or was too slow; the result is kept by the call's id
    finally:
        places.release()


def _answer(connection: socket.socket, guest: Guest) -> dict[str, object] | None:
    reader = FrameReader()
    try:
        while data := connection.recv(_READ):
            if messages := reader.feed(data):
                return respond(guest, messages[0])
    except FrameRefused as error:
        return refusal(-32700, str(error))
    return None


def _send(connection: socket.socket, response: dict[str, object]) -> None:
    with connection:
        connection.settimeout(SECONDS_TO_TAKE)
        connection.sendall(frame(response))


def _is_trusted(connection: socket.socket) -> bool:
    """Only the node may ask, which stands outside our pid namespace (pid 0), or somebody with our own rights.

    Else any process in the sandbox that reaches the socket could ask for a shell as root.
    """
    import os

    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS)
    pid, uid = (int.from_bytes(raw[at : at + 4], sys.byteorder) for at in (0, 4))
    return pid == 0 or uid == os.geteuid()


def main(listener_fd: int, settings: GuestSettings) -> None:
    """Serve on an inherited listening socket, for ever."""
    guest = Guest(settings)
    gc.freeze()  # what is loaded stays: neither we nor our children look through it again
    gc.enable()
    serve(socket.socket(fileno=listener_fd), guest)
