"""Watches of directories: what changes is told as it happens, everything once, to whoever watches and whoever asks."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.guest.doors import PATIENCE, Door, children, eventually

from cove.core.frames import FrameReader, frame
from cove.guest.watches import MOST_TOLD

Told = list[tuple[str, str]]


class Watch:
    """Somebody who watches."""

    def __init__(self, door: Door, path: str) -> None:
        self.connection = door.connect()
        self._reader = FrameReader()
        self._messages: list[dict[str, Any]] = []
        self.connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "files/watch", "params": {"path": path}}))
        self.answer = self._next()["result"]

    def _next(self) -> dict[str, Any]:
        while not self._messages:
            data = self.connection.recv(65536)
            if not data:
                raise EOFError
            self._messages += self._reader.feed(data)
        return self._messages.pop(0)

    def told(self, count: int) -> Told:
        """So many changes, as they come."""
        found: Told = []
        while len(found) < count:
            found += self.message()
        return found

    def message(self) -> Told:
        """The changes of the next message."""
        return _pairs(self._next()["event"]["events"])

    def is_silent(self) -> bool:
        """Whether nothing comes for a while."""
        self.connection.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            return not self._next()
        self.connection.settimeout(PATIENCE)
        return True

    def close(self) -> None:
        self.connection.close()


def _pairs(events: list[dict[str, Any]]) -> Told:
    return [(event["event_type"], os.path.basename(event["path"])) for event in events]


def _only(pids: list[int]) -> int:
    return pids[0] if len(pids) == 1 else 0


@pytest.fixture
def watched(door: Door) -> Iterator[Callable[[str], Watch]]:
    """Begins to watch a path, until the test ends."""
    with contextlib.ExitStack() as stack:

        def begin(path: str) -> Watch:
            watch = Watch(door, path)
            stack.callback(watch.close)
            return watch

        yield begin


@pytest.fixture
def place(door: Door) -> str:
    """A directory of the test's own that has a file."""
    name = door.call("shell", {"command": "mktemp -d ~/place.XXXXXX"})["stdout"].strip()
    door.call("write_file", {"path": f"{name}/old.txt", "content": "old"})
    return str(name)


def make(door: Door, path: str) -> None:
    """A new file that is there at once with its content: one that is written in place may be told in several steps."""
    door.shell(f"made=$(mktemp ~/made.XXXXXX) && echo 1 > $made && mv $made {path}")


def asked(door: Door, path: str) -> Told:
    return _pairs(door.call("get_file_change", {"path": path})["events"])


def test_changes_are_told_as_they_happen(door: Door, watched: Any, place: str) -> None:
    watch = watched(place)
    assert watch.answer["isError"] is False
    make(door, f"{place}/new.txt")
    assert watch.told(2) == [("create", "new.txt"), ("modify", "new.txt")]
    door.shell(f"echo changed >> {place}/old.txt")
    assert watch.told(1) == [("modify", "old.txt")]
    door.call("delete_file", {"path": f"{place}/old.txt"})
    assert watch.told(1) == [("delete", "old.txt")]
    assert watch.is_silent()


def test_directories_that_are_made_meanwhile_are_watched_too(door: Door, watched: Any, place: str) -> None:
    watch = watched(place)
    door.shell(f"mkdir -p {place}/a/b/c")
    make(door, f"{place}/a/b/c/deep")
    assert sorted(watch.told(5)) == [
        ("create", "a"),
        ("create", "b"),
        ("create", "c"),
        ("create", "deep"),
        ("modify", "deep"),
    ]
    door.shell(f"echo 2 >> {place}/a/b/c/deep")
    assert watch.told(1) == [("modify", "deep")]
    door.shell(f"mv {place}/a {place}/moved && echo 3 >> {place}/moved/b/c/deep")
    assert ("create", "moved") in watch.told(9)
    door.shell(f"echo 4 >> {place}/moved/b/c/deep")
    assert watch.told(1) == [("modify", "deep")]


def test_nothing_is_told_twice_or_lost_to_a_client_that_asks_before_and_after(
    door: Door, watched: Any, place: str
) -> None:
    assert asked(door, place) == []
    make(door, f"{place}/between")
    watch = watched(place)
    assert asked(door, place) == []
    assert watch.told(2) == [("create", "between"), ("modify", "between")]
    make(door, f"{place}/later")
    assert watch.told(2) == [("create", "later"), ("modify", "later")]
    assert watch.is_silent()


def test_whoever_lost_the_connection_learns_by_asking_what_it_missed(door: Door, watched: Any, place: str) -> None:
    asked(door, place)
    watch = watched(place)
    asked(door, place)
    make(door, f"{place}/seen")
    watch.told(2)
    watch.close()
    make(door, f"{place}/missed")
    assert asked(door, place) == [("create", "missed"), ("modify", "missed")]
    again = watched(place)
    assert again.is_silent()


def test_each_watcher_is_told_everything_and_so_is_who_asks_now_and_then(door: Door, watched: Any, place: str) -> None:
    asked(door, place)
    one = watched(place)
    asked(door, place)
    asked(door, place)  # somebody else, from here on
    other = watched(place)
    asked(door, place)
    make(door, f"{place}/new")
    wanted = [("create", "new"), ("modify", "new")]
    assert (one.told(2), other.told(2), asked(door, place)) == (wanted, wanted, wanted)


def test_a_directory_that_goes_away_and_comes_back_is_watched_on(door: Door, watched: Any, place: str) -> None:
    watch = watched(place)
    door.shell(f"rm -r {place}")
    assert watch.told(1) == [("delete", "old.txt")]
    door.shell(f"mkdir {place}")
    make(door, f"{place}/new")
    assert watch.told(2) == [("create", "new"), ("modify", "new")]
    door.shell(f"echo 2 >> {place}/new")
    assert watch.told(1) == [("modify", "new")]


def test_a_single_file_is_watched(door: Door, watched: Any, place: str) -> None:
    watch = watched(f"{place}/old.txt")
    door.shell(f"echo 1 >> {place}/old.txt; echo 1 > {place}/other")
    assert watch.told(1) == [("modify", "old.txt")]
    door.shell(f"echo 2 > {place}/tmp && mv {place}/tmp {place}/old.txt")
    assert watch.told(1) == [("modify", "old.txt")]


@pytest.mark.parametrize("path", ["/no/such/directory", "", "a\0b", "/root/secret"])
def test_what_cannot_be_looked_at_is_not_watched(door: Door, watched: Any, path: str) -> None:
    watch = watched(path)
    assert watch.answer["isError"] is True
    assert watch.answer["structuredContent"]["message"]
    with pytest.raises(EOFError):
        watch.told(1)


def test_watches_of_a_session_are_bounded(door: Door, watched: Any, place: str) -> None:
    watches = [watched(place) for _ in range(16)]
    assert watched(place).answer["structuredContent"]["code"] == "TooManyWatches"
    watches[0].close()
    eventually(lambda: not watched(place).answer["isError"])


def test_a_watch_whose_child_was_killed_looks_by_itself(door: Door, watched: Any, place: str) -> None:
    watch = watched(place)
    make(door, f"{place}/first")
    watch.told(2)
    os.kill(eventually(lambda: _only(children(door.server_pid()))), signal.SIGKILL)
    make(door, f"{place}/second")
    assert watch.told(2) == [("create", "second"), ("modify", "second")]


def test_nothing_is_left_of_a_watch_whose_watcher_is_gone(door: Door, watched: Any, place: str) -> None:
    files = len(os.listdir(f"/proc/{door.server_pid()}/fd"))
    for _ in range(3):
        watch = watched(place)
        door.shell(f"echo 1 >> {place}/old.txt")
        watch.told(1)
        watch.close()
    eventually(lambda: not children(door.server_pid()))
    eventually(lambda: len(os.listdir(f"/proc/{door.server_pid()}/fd")) <= files)


def test_a_flood_of_changes_is_told_in_bounded_messages(door: Door, watched: Any, place: str) -> None:
    watch = watched(place)
    door.shell(f"cd {place} && for i in $(seq 1500); do echo 1 > file-$i; done")
    wanted, told = {f"file-{number}" for number in range(1, 1501)}, set[str]()
    while told != wanted:  # one that was seen before its content is told of once more
        message = watch.message()
        assert len(message) <= MOST_TOLD
        told |= {name for _, name in message}
        assert told <= wanted


def test_a_tree_with_hostile_names_is_told_as_text(door: Door, watched: Any, place: str) -> None:
    watch = watched(place)
    door.shell(f"cd {place} && mkdir $'\\xff\\n' && echo 1 > $'\\xff\\n/\\xfe'")
    assert {name for _, name in watch.told(3)} == {"\\xff\n", "\\xfe"}
