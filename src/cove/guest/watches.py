"""Watches of directories: each on the connection that asked for it, told of changes until that is closed."""

import os
import select
import socket
import time
from collections.abc import Iterator

import msgspec

from cove.core.errors import ToolFailed
from cove.core.frames import frame
from cove.core.results import FileChange, FileChanges, Watching
from cove.guest.baselines import Baselines, Watched
from cove.guest.cancel import Cancel
from cove.guest.changes import Snapshot, changes, snapshot
from cove.guest.places import Place, place
from cove.guest.settings import GuestSettings
from cove.guest.threads import Lock
from cove.guest.workers import result_as_user

MOST_TOLD = 100
"""Changes in one message."""
_SHARE = 3.0
"""So many times as long as it took to look at a tree nobody looks again: a large one must not eat the session."""
_LOOK_MS = 1000


class _Watch(msgspec.Struct):
    place: Place
    watched: Watched


class Watches:
    """Safe to use from several threads."""

    def __init__(self, settings: GuestSettings, baselines: Baselines) -> None:
        self._settings = settings
        self._baselines = baselines
        self._lock = Lock()
        self._open: dict[str, _Watch] = {}
        self._last = 0

    def open(self, path: str) -> Watching:
        """Begin to watch below a path; raises ToolFailed. What changes from now on is told by `show`."""
        top = place(self._settings, path)
        watched = self._baselines.begin(top.shown, self._look(top, is_known=self._baselines.knows(top.shown)).traces)
        with self._lock:
            self._last += 1
            watch_id = f"w-{self._last}"
            self._open[watch_id] = _Watch(top, watched)
        return Watching(watch_id=watch_id)

    def show(self, watch_id: str, connection: socket.socket) -> None:
        """Tell of changes until the connection ends; raises OSError where it breaks, or is not read."""
        from cove.guest.notices import notices  # with `ctypes`: most guests never need it

        with self._lock:
            watch = self._open[watch_id]
        with notices(self._settings, watch.place.real) as notice:
            for _ in _rounds(notice, connection.fileno()):
                self._tell(watch, connection)

    def end(self, watch_id: str) -> None:
        """Watch no more."""
        with self._lock:
            watch = self._open.pop(watch_id, None)
        if watch is not None:
            self._baselines.end(watch.watched)

    def _tell(self, watch: _Watch, connection: socket.socket) -> None:
        try:
            now = self._look(watch.place, is_known=True)
        except ToolFailed:
            return  # it cannot be looked at now: there are too many entries, or no memory for it
        events = changes(watch.watched.told, now.traces)
        with watch.watched.telling:
            for at in range(0, len(events), MOST_TOLD):
                connection.sendall(_message(events[at : at + MOST_TOLD]))
            self._baselines.told(watch.watched, now.traces)

    def _look(self, top: Place, *, is_known: bool) -> Snapshot:
        cancel = Cancel()
        try:
            return result_as_user(self._settings, cancel, lambda: snapshot(top, may_be_gone=is_known), Snapshot)
        finally:
            cancel.close()


def _message(events: list[FileChange]) -> bytes:
    return frame({"event": msgspec.to_builtins(FileChanges(events=events))})


def _rounds(notice: int | None, connection: int) -> Iterator[None]:
    """Once for each time to look, until the connection ends."""
    is_noticed = notice is not None
    while True:
        ready = _ready(connection, notice if is_noticed else None, None if is_noticed else _LOOK_MS)
        if connection in ready:
            return
        if notice in ready:
            is_noticed = _drain(notice)
        started = time.monotonic()
        yield
        rest = min(_SHARE * (time.monotonic() - started), 30.0)
        if _ready(connection, None, rest * 1000):
            return


def _ready(connection: int, notice: int | None, milliseconds: float | None) -> set[int | None]:
    poller = select.poll()
    poller.register(connection, select.POLLIN)
    if notice is not None:
        poller.register(notice, select.POLLIN)
    return {fd for fd, _ in poller.poll(milliseconds)}


def _drain(notice: int | None) -> bool:
    """Take every notice; false once there will be no more."""
    try:
        return bool(os.read(notice, 1 << 16)) if notice is not None else False
    except BlockingIOError:
        return True
