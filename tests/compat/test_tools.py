"""The texts that the official clients parse, as §5 of the wire notes gives them."""

import json
from typing import Any

import pytest

from cove.compat.tools import has_failed, render, render_printed
from cove.core import results
from cove.core.tool import Failure, Outcome
from cove.guest.tools import catalogue


def _text(tool: str, **structured: Any) -> str:
    return render(tool, Outcome(structured=structured))


def test_failure_is_its_message() -> None:
    assert render("shell", Outcome(failure=Failure("NoSuchFile", "no file at '/x'"))) == "no file at '/x'"


def test_command_that_took_too_long_is_json_without_output() -> None:
    text = render("shell", Outcome(failure=Failure("CommandTimedOut", "it took too long")))
    assert json.loads(text) == {"stdout": "", "stderr": "", "exit_code": 124, "error": "it took too long"}


def test_command_is_json_that_the_client_takes_as_structured() -> None:
    text = _text("shell", stdout="a\n", stderr="", exit_code=3, truncated=False)
    assert json.loads(text) == {"stdout": "a\n", "stderr": "", "exit_code": 3}


@pytest.mark.parametrize(
    ("outcome", "trace"),
    [
        (Outcome(structured={"stdout": "a\n", "stderr": "", "exit_code": 3}), "r-1"),
        (Outcome(structured={"stdout": "a\n", "stderr": "", "exit_code": 0}), None),
        (Outcome(failure=Failure("CommandTimedOut", "it took too long")), "r-1"),
    ],
)
def test_command_that_failed_has_the_id_of_its_request(outcome: Outcome, trace: str | None) -> None:
    assert json.loads(render("shell", outcome, "r-1")).get("traceId") == trace


@pytest.mark.parametrize(
    ("outcome", "printed", "failed"),
    [
        (Outcome(structured={"stdout": "a\n", "stderr": "b\n", "exit_code": 0}), "a\nb\n", False),
        (Outcome(structured={"stdout": "a\n", "stderr": "", "exit_code": 3}), "a\n", True),
        (Outcome(structured={"stdout": "", "stderr": "", "exit_code": 3}), "exit code 3", True),
        (Outcome(failure=Failure("CommandTimedOut", "it took too long")), "it took too long", True),
    ],
)
def test_oldest_clients_are_given_what_a_command_printed(outcome: Outcome, printed: str, failed: bool) -> None:
    assert (render_printed(outcome), has_failed("shell", outcome)) == (printed, failed)


def test_file_is_its_bare_content() -> None:
    assert _text("read_file", content="a: b\n", encoding="utf-8", size=5, truncated=False) == "a: b\n"


@pytest.mark.parametrize("tool", ["write_file", "create_directory", "delete_file", "move_file", "set_env"])
def test_tool_whose_text_nobody_reads_says_true(tool: str) -> None:
    assert _text(tool, path="/x") == "true"


def test_edit_shows_its_diff_when_nothing_was_written() -> None:
    edit = {"path": "/x", "replacements": 1, "diff": "-a\n+b"}
    assert _text("edit_file", **edit, dry_run=True) == "-a\n+b"
    assert _text("edit_file", **edit, dry_run=False) == "true"


def test_file_information_is_lines_of_key_and_value() -> None:
    info = {"path": "/x", "size": 5, "is_directory": False, "is_file": True, "permissions": "644", "modified": 1.5}
    lines = dict(line.split(": ") for line in _text("get_file_info", **info).splitlines())
    assert lines == {
        "path": "/x",
        "size": "5",
        "isDirectory": "false",
        "isFile": "true",
        "permissions": "644",
        "modified": "1.5",
    }


def test_directory_is_lines_with_their_kind() -> None:
    entries = [{"name": "a b", "is_directory": True}, {"name": "c", "is_directory": False}]
    assert _text("list_directory", path="/", entries=entries) == "[DIR] a b\n[FILE] c"


def test_several_files_are_blocks() -> None:
    files = [{"path": "/a", "content": "x\ny", "error": ""}, {"path": "/b", "content": "", "error": "no file"}]
    assert _text("read_multiple_files", files=files) == "/a: \nx\ny\n---\n/b: \nno file\n---"


def test_search_is_a_path_per_line_or_a_sentence() -> None:
    assert _text("search_files", matches=["/a", "/b"]) == "/a\n/b"
    assert _text("search_files", matches=[]) == "No matches found"


def test_changes_are_json_in_the_clients_words() -> None:
    events = [{"event_type": "create", "path": "/a", "path_type": "file"}]
    assert json.loads(_text("get_file_change", events=events)) == [
        {"eventType": "create", "path": "/a", "pathType": "file"}
    ]


def test_variables_are_a_json_map() -> None:
    assert json.loads(_text("get_env", variables={"A": "1"})) == {"A": "1"}


def test_metrics_count_traffic_in_kilobytes() -> None:
    whole = dict.fromkeys(results.Metrics.__struct_fields__, 1) | {"rx_bytes": 2048, "tx_bytes_per_s": 512}
    metrics = json.loads(_text("get_metrics", **whole))
    assert (metrics["rx_used_kbyte"], metrics["tx_rate_kbyte_per_s"]) == (2, 0.5)
    assert {"cpu_count", "cpu_used_pct", "mem_total", "mem_used", "disk_total", "disk_used", "timestamp"} < set(metrics)


def test_unknown_tool_is_json() -> None:
    assert _text("of_the_future", answer=42) == '{"answer":42}'


@pytest.mark.parametrize("tool", [tool.name for tool in catalogue()])
def test_every_tool_has_a_form_of_its_own(tool: str) -> None:
    from cove.compat.tools import FORMS

    assert tool in FORMS
