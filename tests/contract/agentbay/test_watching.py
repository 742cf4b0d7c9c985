"""Directories that a script watches: each change is told, once."""

import itertools
import json
from collections.abc import Callable
from typing import Any

from tests.contract.clients import ENOUGH, for_each_route
from tests.contract.far import Process
from tests.waiting import until

Make = Callable[..., Any]


@for_each_route(since="0.13.1")
def test_changes_of_a_directory_are_told(session: Any, directory: str, process: Process) -> None:
    files, seen, stop = session.file_system, process.make_list(), process.find("threading:Event")()
    thread = files.watch_directory(directory, seen.extend, 0.2, stop)
    thread.start()
    _await_baseline(thread, session, directory, seen)
    assert files.write_file(f"{directory}/a ü", "x").success

    def told() -> set[tuple[str, str, str]]:
        return {(event.event_type, event.path, event.path_type) for event in seen.copy()}

    until(lambda: ("create", f"{directory}/a ü", "file") in told(), "the new file is told")
    assert files.create_directory(f"{directory}/b").success
    assert session.command.execute_command(f"rm '{directory}/a ü'", ENOUGH).success
    until(
        lambda: told() >= {("create", f"{directory}/b", "directory"), ("delete", f"{directory}/a ü", "file")},
        "the rest",
    )
    stop.set()
    until(lambda: not thread.is_alive(), "the watching has ended")


def _await_baseline(thread: Any, session: Any, directory: str, seen: Any) -> None:
    """Wait until what changes is told. Earlier releases do not say from when on."""
    if thread.has("ready_event"):
        assert thread.ready_event.wait(60)
        return
    names = itertools.count()

    def is_told() -> Any:
        session.file_system.write_file(f"{directory}/probe-{next(names)}", "")
        return seen.copy()

    until(is_told, "a change is told")


@for_each_route(since="0.13.1")
def test_each_change_is_told_once(session: Any, directory: str) -> None:
    assert _changes(session, directory) == []
    assert session.file_system.write_file(f"{directory}/a", "x").success
    assert _changes(session, directory) == [("create", f"{directory}/a", "file"), ("modify", f"{directory}/a", "file")]
    assert _changes(session, directory) == []
    assert session.file_system.write_file(f"{directory}/a", "longer").success
    assert _changes(session, directory) == [("modify", f"{directory}/a", "file")]
    assert session.command.execute_command(f"rm {directory}/a", ENOUGH).success
    assert _changes(session, directory) == [("delete", f"{directory}/a", "file")]


def _changes(session: Any, directory: str) -> list[tuple[str, str, str]]:
    told = json.loads(session.call_mcp_tool("get_file_change", {"path": directory}).data)
    return [(event["eventType"], event["path"], event["pathType"]) for event in told if event["path"] != directory]
