"""What a session's tools do, seen by a user of either client through either door."""

import json
from typing import Any

import pytest

import cove

pytestmark = pytest.mark.anyio
HOME = "/home/wuying"


async def test_a_command_gives_its_output_and_its_end(shared: Any, settled: Any) -> None:
    result = await settled(shared.command.run("echo out; echo err >&2; exit 3"))
    assert (result.stdout, result.stderr, result.output) == ("out\n", "err\n", "out\nerr\n")
    assert (result.success, result.exit_code, result.error_message) == (False, 3, "err")
    assert result.request_id == result.trace_id != ""


async def test_a_command_runs_as_told(shared: Any, settled: Any) -> None:
    await settled(shared.fs.create_directory("place"))
    result = await settled(
        shared.command.execute_command('echo "${PWD##*/} $A"; cat', cwd="place", envs={"A": "b"}, stdin="c")
    )
    assert result.unwrap() == "place b\nc"


async def test_a_command_past_its_time_has_no_exit_code(shared: Any, settled: Any) -> None:
    result = await settled(shared.command.run("echo early; sleep 60", timeout_ms=300))
    assert (result.success, result.code, result.exit_code, result.output) == (False, "CommandTimedOut", None, "")
    assert result.error_message


async def test_the_text_of_a_tool_is_what_moved_scripts_parse(shared: Any, settled: Any) -> None:
    result = await settled(shared.call_mcp_tool("shell", {"command": "echo hi", "timeout_ms": 30000}))
    assert result.success
    assert json.loads(result.data)["stdout"] == "hi\n"


async def test_wrong_arguments_and_unknown_tools_are_refused_helpfully(shared: Any, settled: Any) -> None:
    wrong = await settled(shared.call_mcp_tool("shell", {"command": 5}))
    assert (wrong.success, wrong.code) == (False, "InvalidToolArguments")
    assert "list_mcp_tools()" in wrong.error_message
    unknown = await settled(shared.call_mcp_tool("teleport", {}))
    assert (unknown.success, unknown.code) == (False, "ToolNotFound")
    assert "teleport" in unknown.error_message


async def test_variables_last(session: Any, settled: Any) -> None:
    assert (await settled(session.env.set({"GREETING": "hello"}))).unwrap() is True
    assert (await settled(session.env.get(["GREETING", "ABSENT"]))).envs == {"GREETING": "hello"}
    assert (await settled(session.env.get())).envs["GREETING"] == "hello"
    assert (await settled(session.command.run("echo $GREETING"))).output == "hello\n"


async def test_text_comes_back_as_it_went(session: Any, settled: Any) -> None:
    text = "grüße\r\n\tline\n\x00end ✓"
    assert (await settled(session.fs.write_file("notes/a.txt", text))).unwrap() is True
    assert (await settled(session.fs.write("notes/a.txt", "+", "append"))).success
    result = await settled(session.fs.read_file("notes/a.txt"))
    assert result.content == (await settled(session.fs.read("notes/a.txt"))).unwrap() == text + "+"


async def test_bytes_come_back_as_they_went(session: Any, settled: Any) -> None:
    data = bytes(range(256)) * 1000
    await settled(session.fs.write_file("data", data))
    result = await settled(session.fs.read_file("data", format="bytes"))
    assert (result.content == data, result.size) == (True, len(data))
    as_text = await settled(session.fs.read_file("data"))
    assert (as_text.success, as_text.code) == (False, "NotText")


async def test_files_are_listed_moved_and_deleted(session: Any, settled: Any) -> None:
    fs = session.file_system
    assert (await settled(fs.create_directory("d/e"))).success
    await settled(fs.write_file("d/f.txt", "12345"))
    entries = (await settled(fs.ls("d"))).unwrap()
    assert [(entry.name, entry.is_directory, entry.is_file) for entry in entries] == [
        ("e", True, False),
        ("f.txt", False, True),
    ]
    info = await settled(fs.get_file_info("d/f.txt"))
    assert (info.size, info.is_file, info.is_directory, info.file_info["isFile"]) == (5, True, False, True)
    assert (await settled(fs.move_file("d/f.txt", "d/e/g.txt"))).success
    assert (await settled(fs.search_files("d", "*.txt"))).matches == [f"{HOME}/d/e/g.txt"]
    assert (await settled(fs.search_files("d", "*.txt", exclude_patterns=["g*"]))).matches == []
    assert (await settled(fs.rm("d"))).success
    gone = await settled(fs.read_file("d/e/g.txt"))
    assert (gone.success, gone.code) == (False, "NoSuchFile")
    assert "d/e/g.txt" in gone.error_message


async def test_edits_replace_the_first_match(session: Any, settled: Any) -> None:
    fs = session.fs
    await settled(fs.write_file("e", "one two two"))
    edits = [{"oldText": "two", "newText": "2"}]
    assert (await settled(fs.edit_file("e", edits, dry_run=True))).success
    assert (await settled(fs.read_file("e"))).content == "one two two"
    assert (await settled(fs.edit_file("e", edits))).success
    assert (await settled(fs.read_file("e"))).content == "one 2 two"


async def test_several_files_are_read_and_those_that_fail_are_named(session: Any, settled: Any) -> None:
    for name in "ab":
        await settled(session.fs.write_file(f"{name}", name * 3))
    both = await settled(session.fs.read_multiple_files(["a", "b"]))
    assert both.unwrap() == {"a": "aaa", "b": "bbb"}
    some = await settled(session.fs.read_multiple_files(["a", "c"]))
    assert (some.success, some.contents) == (False, {"a": "aaa"})
    assert "c" in some.error_message


async def test_changes_are_told_since_the_question_before(session: Any, settled: Any) -> None:
    await settled(session.fs.create_directory("watched"))
    assert (await settled(session.fs.get_file_change("watched"))).events == []
    await settled(session.fs.write_file("watched/x", "1"))
    changed = await settled(session.fs.get_file_change("watched"))
    assert changed.has_changes()
    assert changed.get_created_files() == [f"{HOME}/watched/x"]
    assert json.loads(changed.raw_data)[0]["pathType"] == "file"


async def test_agb_says_it_in_its_own_names(agb: Any, agb_session: Any, settled: Any) -> None:
    info = (await settled(agb_session.info())).data
    assert info["session_id"] == agb_session.session_id
    assert info["resource_url"]
    assert (await settled(agb.get_session(agb_session.session_id))).data.status == "RUNNING"
    assert (await settled(agb_session.command.execute("echo hi", timeout_ms=50_000))).output == "hi\n"
    slow = await settled(agb_session.command.execute("sleep 30"))
    assert slow.code == "CommandTimedOut"
    files = agb_session.file
    await settled(files.mkdir("agb"))
    await settled(files.write("agb/a", "text"))
    assert (await settled(files.read("agb/a"))).content == "text"
    assert (await settled(files.list("agb"))).entries == [
        {"name": "a", "isDirectory": False, "isFile": True, "size": 4}
    ]
    assert (await settled(files.info("agb/a"))).file_info["size"] == 4
    assert (await settled(files.read_batch(["agb/a"]))).contents == {"agb/a": "text"}
    assert (await settled(files.edit("agb/a", [{"oldText": "t", "newText": "T"}]))).success
    assert (await settled(files.move("agb/a", "agb/b"))).success
    assert (await settled(files.search("agb", "*"))).matches == [f"{HOME}/agb/b"]
    assert (await settled(files.remove("agb/b"))).success
    result = await settled(agb_session.call_mcp_tool("shell", {"command": "echo hi"}, read_timeout=60000))
    assert json.loads(result.data)["stdout"] == "hi\n"
    assert agb_session.session_id in (await settled(agb.list(limit=100))).session_ids


@pytest.mark.parametrize("path", ["a\x00b", "x" * 5000, "/" + "y/" * 3000])
async def test_paths_that_are_none_are_refused_helpfully(path: str, shared: Any, settled: Any) -> None:
    for refused in (
        await settled(shared.fs.read_file(path)),
        await settled(shared.fs.write_file(path, "text")),
        await settled(shared.fs.list_directory(path)),
    ):
        assert not refused.success
        assert refused.code == "InvalidPath"
        assert 0 < len(refused.error_message) < 500
        with pytest.raises(cove.ToolFailed):
            refused.unwrap()
