"""A session's WebSocket, by the library that the official clients use: an answer, and how soon a change is told."""

import itertools
import json

from websockets.sync.client import ClientConnection, connect

from benchmarks.samples import Samples
from cove import Session

_DIRECTORY = "/tmp/watched"
_PATIENCE = 60.0


def measure(session: Session, url: str, token: str, runs: int) -> list[Samples]:
    """A message that the server answers by itself, and a file's change, from the write's beginning to the message."""
    session.file_system.create_directory(_DIRECTORY).unwrap()
    answered = Samples(name="WebSocket: a message answered")
    written = Samples(name="floor: a file written")
    changed = Samples(name="WebSocket: a file written, and its change told", floor=written.name)
    with connect(url, additional_headers={"X-Access-Token": token}, open_timeout=_PATIENCE) as connected:
        for _ in range(10 * runs):
            answered.time(lambda: ask(connected, "unsubscribe_file_change", "/nowhere"))
        for number in range(runs):
            written.time(lambda path=f"{_DIRECTORY}/before-{number}": write(session, path))
        ask(connected, "subscribe_file_change", _DIRECTORY)
        for number in range(runs):
            path = f"{_DIRECTORY}/after-{number}"
            with changed.timing():
                write(session, path)
                await_change(connected, path)
    return [answered, written, changed]


def write(session: Session, path: str) -> None:
    """Write a small file."""
    session.file_system.write_file(path, "x").unwrap()


_numbers = itertools.count()


def ask(connected: ClientConnection, method: str, path: str) -> None:
    """Ask, and return when it was answered."""
    name = f"{next(_numbers):032}"
    data = {"method": method, "params": {"path": path}}
    connected.send(json.dumps({"invocationId": name, "source": "SDK", "target": "wuying_filesystem", "data": data}))
    while (message := json.loads(connected.recv(_PATIENCE)))["invocationId"] != name:
        pass
    assert message["data"] == {"phase": "end"}, message


def await_change(connected: ClientConnection, path: str) -> None:
    """Return when a change of this path is told."""
    while True:
        events = json.loads(connected.recv(_PATIENCE))["data"].get("events", [])
        if any(event["path"] == path for event in events):
            return
