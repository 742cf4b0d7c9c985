"""Files, by each way that AGB's clients have."""

import hashlib
from typing import Any

import pytest
from tests.contract.agb.routes import on_each_route
from tests.contract.agb.words import files, good, refused
from tests.contract.clients import ENOUGH, Client
from tests.contract.conftest import Place
from tests.waiting import until

LONG = "é漢😀x" * 60_001
"""More than the pieces in which the client reads and writes, none of which ends between two characters."""


@on_each_route()
def test_file_is_written_read_and_appended_to(session: Any) -> None:
    path = "/tmp/a place/of mine/a b ü.txt"
    good(files(session).mkdir("/tmp/a place/of mine"))
    good(files(session).write(path, "one\n"))
    good(files(session).write(path, "two\n", mode="append"))
    assert good(files(session).read(path)).content == "one\ntwo\n"
    good(files(session).write(path, "new", mode="overwrite"))
    assert good(files(session).read(path)).content == "new"
    good(files(session).write(path, ""))
    assert good(files(session).info(path)).file_info["size"] == 0
    assert files(session).read(path).content == ""


@on_each_route()
def test_long_text_survives_its_pieces(session: Any) -> None:
    good(files(session).write("/tmp/long", LONG))
    assert good(files(session).info("/tmp/long")).file_info["size"] == len(LONG.encode())
    assert good(files(session).read("/tmp/long")).content == LONG


@on_each_route("link", "api")
def test_bytes_are_read_as_they_are(session: Any) -> None:
    summed = session.command.execute("head -c 200001 /dev/urandom > /tmp/b; sha256sum < /tmp/b", timeout_ms=ENOUGH)
    content = session.file.read("/tmp/b", format="bytes").content
    assert len(content) == 200_001
    assert hashlib.sha256(content).hexdigest() == good(summed).stdout.split()[0]


@on_each_route()
def test_file_is_edited(session: Any) -> None:
    good(files(session).write("/tmp/e", "one two\none\n"))
    good(files(session).edit("/tmp/e", [{"oldText": "one", "newText": "1"}, {"oldText": "\none", "newText": ""}]))
    assert files(session).read("/tmp/e").content == "1 two\n"
    good(files(session).edit("/tmp/e", [{"oldText": "1", "newText": "9"}], True))
    assert files(session).read("/tmp/e").content == "1 two\n"
    refused(files(session).edit("/tmp/e", [{"oldText": "absent", "newText": "9"}]), "absent")


@on_each_route()
def test_file_tells_about_itself(session: Any) -> None:
    good(files(session).write("/tmp/i", "12345"))
    facts = good(files(session).info("/tmp/i")).file_info
    assert (facts["size"], facts["isFile"], facts["isDirectory"]) == (5, True, False)
    assert {"permissions", "created", "modified", "accessed"} <= facts.keys()
    facts = good(files(session).info("/tmp")).file_info
    assert (facts["isFile"], facts["isDirectory"]) == (False, True)


@on_each_route()
def test_directory_is_listed_and_files_are_moved(session: Any) -> None:
    good(files(session).mkdir("/tmp/l/sub"))
    good(files(session).write("/tmp/l/f", "x"))
    listed = good(files(session).list("/tmp/l")).entries
    assert [(entry["name"], entry["isDirectory"]) for entry in listed] == [("f", False), ("sub", True)]
    good(files(session).move("/tmp/l/f", "/tmp/l/sub/g"))
    assert [entry["name"] for entry in good(files(session).list("/tmp/l/sub")).entries] == ["g"]
    assert good(files(session).list("/tmp")).entries


@on_each_route("link", "api")
def test_file_is_removed(session: Any) -> None:
    good(session.file.write("/tmp/r/f", "x"))
    good(session.file.remove("/tmp/r/f"))
    assert good(session.file.list("/tmp/r")).entries == []
    refused(session.file.remove("/tmp/r/f"), "/tmp/r/f")


@on_each_route()
def test_several_files_are_read_at_once(session: Any) -> None:
    wanted = {f"/tmp/m{number}": f"line {number}\nmore: {number}" for number in range(3)}
    for path, content in wanted.items():
        good(files(session).write(path, content))
    assert good(files(session).read_batch(list(wanted))).contents == wanted


@on_each_route()
def test_files_are_found_by_name(session: Any) -> None:
    for name in ("a_WANTED_1.txt", "skip/b_WANTED_2.txt", "skip/x/other.py"):
        good(files(session).mkdir(f"/tmp/s/{name}".rpartition("/")[0]))
        good(files(session).write(f"/tmp/s/{name}", "x"))
    found = good(files(session).search("/tmp/s", "*WANTED*")).matches
    assert sorted(found) == ["/tmp/s/a_WANTED_1.txt", "/tmp/s/skip/b_WANTED_2.txt"]
    assert good(files(session).search("/tmp/s", "*WANTED*", ["skip", "*.py"])).matches == ["/tmp/s/a_WANTED_1.txt"]
    assert good(files(session).search("/tmp/s", "*.none")).matches == []
    assert good(files(session).search("/tmp/s", "**/*WANTED*")).matches == found
    assert good(files(session).search("/tmp/s", "skip/**/*.py")).matches == ["/tmp/s/skip/x/other.py"]


@on_each_route()
@pytest.mark.parametrize("method", ["read", "info", "list", "search", "move", "edit"])
def test_what_is_not_there_is_named(session: Any, method: str) -> None:
    more: dict[str, tuple[Any, ...]] = {
        "search": ("*",),
        "move": ("/tmp/y",),
        "edit": ([{"oldText": "a", "newText": "b"}],),
    }
    refused(getattr(files(session), method)("/tmp/absent/f", *more.get(method, ())), "/tmp/absent/f")


@on_each_route()
def test_what_a_user_may_not_is_refused_by_its_path(session: Any) -> None:
    refused(files(session).write("/usr/x", "x"), "/usr/x")
    refused(files(session).write("/tmp", "x"), "/tmp")
    refused(files(session).read("/tmp"), "/tmp")
    refused(files(session).mkdir("/proc/x"), "/proc/x")


@on_each_route("link", "api")
def test_directory_is_watched(session: Any, place: Place, client: Client) -> None:
    good(session.file.mkdir("/tmp/w"))
    seen = place.process(client).make_list()
    thread = session.file.watch_dir("/tmp/w", seen.extend, 0.1)
    thread.start()
    assert thread.ready_event.wait(60)

    def saw(kind: str, path: str, path_type: str = "file") -> None:
        wanted = {"eventType": kind, "path": path, "pathType": path_type}
        until(lambda: wanted in [event.to_dict() for event in seen.copy()], f"{wanted}")

    good(session.file.write("/tmp/w/f", "1"))
    saw("create", "/tmp/w/f")
    good(session.file.write("/tmp/w/f", "22"))
    saw("modify", "/tmp/w/f")
    good(session.file.remove("/tmp/w/f"))
    saw("delete", "/tmp/w/f")
    good(session.file.mkdir("/tmp/w/sub"))
    saw("create", "/tmp/w/sub", "directory")
    thread.stop_event.set()
    thread.join(60)
    assert not thread.is_alive()


@on_each_route("first")
def test_first_generation_watches_a_directory(session: Any, place: Place, client: Client) -> None:
    good(session.file_system.create_directory("/tmp/w"))
    seen = place.process(client).make_list()
    thread = session.file_system.watch_directory("/tmp/w", seen.append, 0.1)
    thread.start()
    until(seen.copy, "the first look")
    good(session.file_system.write_file("/tmp/w/f", "1"))
    until(lambda: any(event.path == "/tmp/w/f" for look in seen.copy() for event in look), "the new file")
    thread.stop_event.set()
    thread.join(60)
    assert not thread.is_alive()
