"""The guest's server: threads and blocking sockets, one connection for one request. Started by `cove.guest.init`."""

import gc
import signal
import socket
import sys
from typing import Any

from cove.core.frames import FrameReader, FrameRefused, frame
from cove.guest.dispatch import refusal, respond, terminal_of, watch_of
from cove.guest.service import Guest
from cove.guest.settings import GuestSettings
from cove.guest.threads import Lock, start_thread

SECONDS_TO_ASK = 30.0
"""For a client to deliver its request, from one piece to the next."""
SECONDS_TO_TAKE = 60.0
"""For a client to take a piece of the answer. Who is slower asks again, by the call's id."""
MOST_THREADS = 256
_FEWEST_IDLE, _MOST_IDLE = 2, 4
"""Threads that wait for a connection, besides those that answer one: for a command to cancel and the wish to cancel it.

The most are more than the fewest, so that calls one after the other begin and end no thread.
"""
_READ = 256 * 1024
_CREDENTIALS = 12
"""Bytes of the kernel's struct ucred: pid, uid and gid."""


class Crew:
    """Threads of which each accepts a connection and answers it itself: no hand-over, which would cost a switch."""

    def __init__(self, listener: socket.socket, guest: Guest) -> None:
        self._listener = listener
        self._guest = guest
        self._lock = Lock()
        self._count = self._idle = 0

    def complete(self) -> None:
        """Start threads until enough are idle, or no more may be."""
        while self._may_hire():
            try:
                start_thread(self._work)
            except RuntimeError:
                # The session has all the processes it may have, and a thread counts as one. The idle ones that are
                # there must do: so a command that forks without end can be cancelled, and others are told why not.
                with self._lock:
                    self._idle, self._count = self._idle - 1, self._count - 1
                return

    def _may_hire(self) -> bool:
        with self._lock:
            may = self._idle < _FEWEST_IDLE and self._count < MOST_THREADS
            self._idle, self._count = self._idle + may, self._count + may
            return may

    def _work(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with self._lock:
                self._idle -= 1
            self.complete()
            _converse(connection, self._guest)
            if not self._become_idle():
                return

    def _become_idle(self) -> bool:
        with self._lock:
            stays = self._idle < _MOST_IDLE
            self._idle, self._count = self._idle + stays, self._count - (not stays)
            return stays


def _converse(connection: socket.socket, guest: Guest) -> None:
    try:
        with connection:
            connection.settimeout(SECONDS_TO_ASK)
            if _is_trusted(connection) and (message := _ask(connection)) is not None:
                _answer(connection, guest, message)
    except OSError:
        pass  # the client has gone, or was too slow; the result is kept by the call's id


def _ask(connection: socket.socket) -> dict[str, Any] | None:
    """The client's request; None if there is none, or it was refused."""
    reader = FrameReader()
    try:
        while data := connection.recv(_READ):
            if messages := reader.feed(data):
                return messages[0]
    except FrameRefused as error:
        connection.settimeout(SECONDS_TO_TAKE)
        connection.sendall(frame(refusal(-32700, str(error))))
    return None


def _answer(connection: socket.socket, guest: Guest, message: dict[str, Any]) -> None:
    turn = next(guest.terminals.turns)
    response = respond(guest, message)
    terminal_id, watch_id = terminal_of(message, response), watch_of(message, response)
    try:
        connection.settimeout(SECONDS_TO_TAKE)
        connection.sendall(frame(response))
        if terminal_id is not None:
            guest.terminals.attach(terminal_id, connection.dup(), turn)
        if watch_id is not None:
            guest.watches.show(watch_id, connection)
    except OSError:
        if terminal_id is not None:
            guest.terminals.leave(terminal_id)
        raise
    finally:
        if watch_id is not None:
            guest.watches.end(watch_id)


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
    Crew(socket.socket(fileno=listener_fd), guest).complete()
    signal.pause()
