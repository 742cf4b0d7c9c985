"""Tools by their names, metrics, variables and Git: what a session offers besides commands and files."""

import json
from collections.abc import Callable
from typing import Any

from tests.contract.agentbay.words import refusal
from tests.contract.clients import for_each, for_each_route

Make = Callable[..., Any]
KNOWN = {
    "shell": "wuying_shell",
    "read_file": "wuying_filesystem",
    "write_file": "wuying_filesystem",
    "get_file_change": "wuying_filesystem",
    "get_metrics": "wuying_system",
    "set_env": "wuying_system",
    "get_env": "wuying_system",
}
CALLING = "0.13.1"
"""The first release here that calls a tool by its name."""


@for_each_route()
def test_tools_of_a_session_are_listed_with_their_servers(session: Any, client: Any) -> None:
    listed = session.list_mcp_tools()
    assert listed.request_id
    told = {tool.name: tool.server for tool in listed.tools}
    assert told.items() >= KNOWN.items(), told
    if client.release < (0, 15):
        shell = next(tool for tool in listed.tools if tool.name == "shell")
        assert shell.description
        assert shell.input_schema["required"] == ["command"]


@for_each(since="0.15.2")
def test_tools_of_an_image_are_listed(make: Make) -> None:
    session = make()
    assert "shell" in {tool.name for tool in session.list_mcp_tools("linux_latest").tools}
    assert "no-such" in refusal(session.list_mcp_tools, "no-such")


@for_each_route(since=CALLING)
def test_tool_is_called_by_its_name(session: Any) -> None:
    called = session.call_mcp_tool("shell", {"command": "echo hi; echo e >&2"})
    assert called.success, called
    assert called.request_id
    assert json.loads(called.data) == {"stdout": "hi\n", "stderr": "e\n", "exit_code": 0}


@for_each_route(since=CALLING)
def test_command_that_fails_is_an_error_which_says_all_of_it(session: Any) -> None:
    told = json.loads(refusal(session.call_mcp_tool, "shell", {"command": "echo hi; echo e >&2; exit 3"}))
    assert told.pop("traceId")
    assert told == {"stdout": "hi\n", "stderr": "e\n", "exit_code": 3}


@for_each_route(since=CALLING)
def test_arguments_that_do_not_fit_are_named(session: Any) -> None:
    for arguments, name in (({}, "command"), ({"command": 1}, "command"), ({"command": "true", "fast": 1}, "fast")):
        assert name in refusal(session.call_mcp_tool, "shell", arguments)


@for_each_route(since=CALLING)
def test_unknown_tool_is_named(session: Any) -> None:
    said = refusal(session.call_mcp_tool, "no_such_tool", {})
    assert "no_such_tool" in said or "server not found" in said


@for_each_route(since=CALLING)
def test_what_is_not_built_yet_names_itself(session: Any) -> None:
    assert "code" in refusal(session.code.run_code, "print(1)", "python")


@for_each_route(since="0.15.2")
def test_metrics_are_told(session: Any) -> None:
    told = session.get_metrics()
    assert told.success, told
    metrics = told.metrics
    assert metrics.cpu_count > 0
    assert metrics.cpu_used_pct >= 0
    assert 0 < metrics.mem_used <= metrics.mem_total
    assert 0 < metrics.disk_used <= metrics.disk_total
    assert metrics.timestamp
    assert {"rx_rate_kbyte_per_s", "tx_rate_kbyte_per_s", "rx_used_kbyte", "tx_used_kbyte"} <= told.raw.keys()


@for_each_route(since="0.20.0")
def test_variables_stay_for_later_commands(session: Any) -> None:
    wanted = {"LATER": "ü 'x' \"y\" $z", "EMPTY": "", "LINES_OF": "a\nb"}
    assert session.env.set(wanted).success
    assert session.env.get(list(wanted)).envs == wanted
    assert session.env.get().envs.items() >= wanted.items()
    assert session.command.run('echo "$LATER|$EMPTY|$LINES_OF"').stdout == "ü 'x' \"y\" $z||a\nb\n"
    assert session.command.run("echo $LATER", envs={"LATER": "now"}).stdout == "now\n"
    assert session.env.get(["ABSENT"]).envs in ({}, {"ABSENT": ""}, {"ABSENT": None})


@for_each_route(since="0.20.0")
def test_name_that_no_variable_can_have_is_refused(session: Any) -> None:
    said = refusal(session.env.set, {"NOT A=NAME": "x"})
    assert "NOT A=NAME" in said


@for_each_route(since="0.19.0")
def test_git_works_in_a_session(session: Any, directory: str) -> None:
    git, path = session.git, f"{directory}/repo"
    git.init(path, initial_branch="main")
    git.configure_user(path, "A Ü", "a@example.org", scope="local")
    assert session.file_system.write_file(f"{path}/name ü", "x").success
    assert git.status(path).has_untracked
    git.add(path)
    assert git.commit(path, "one: ü \"quoted\" 'x'").commit_hash
    assert [entry.message for entry in git.log(path).entries] == ["one: ü \"quoted\" 'x'"]
    assert git.status(path).is_clean
    git.create_branch(path, "other")
    told = git.list_branches(path)
    assert (told.current, sorted(branch.name for branch in told.branches)) == ("other", ["main", "other"])
    git.checkout_branch(path, "main")
    git.delete_branch(path, "other", force=True)
    git.set_config(path, "core.editor", "true", scope="local")
    assert git.get_config(path, "core.editor", scope="local") == "true"
    cloned = git.clone(path, path=f"{directory}/clone")
    assert cloned.path == f"{directory}/clone"
    assert git.remote_get(cloned.path, "origin") == path
    git.pull(cloned.path)


@for_each_route(since="0.19.0")
def test_git_outside_of_a_repository_is_known_as_that(session: Any, directory: str) -> None:
    assert "GitNotARepoError" in refusal(session.git.status, directory)


@for_each_route(since=CALLING)
def test_every_answer_has_the_id_of_its_request(session: Any, directory: str) -> None:
    files, path = session.file_system, f"{directory}/a"
    answers = [
        session.command.execute_command("true"),
        session.command.execute_command("false"),
        files.write_file(path, "x"),
        files.read_file(path),
        files.list_directory(directory),
        files.get_file_info(path),
        files.read_file("/no/such"),
        session.call_mcp_tool("get_metrics", {}),
        session.get_labels(),
        session.info(),
        session.list_mcp_tools(),
    ]
    assert all(answer.request_id for answer in answers), answers
