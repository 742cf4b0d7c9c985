"""Tools, their list, metrics and commands, by each way that AGB's clients have."""

import json
from typing import Any

import pytest
from tests.contract.agb.routes import on_each_route
from tests.contract.agb.words import code, command, good, refused
from tests.contract.clients import ENOUGH
from tests.waiting import until

SCRIPT = """set -e
for i in 1 2 3; do
  echo "n $i"
done | tac
cat <<'END'
$HOME `x` \\ é 漢
END
[[ a == a ]] && echo 'it'"'"'s'"""
IT_PRINTS = "n 3\nn 2\nn 1\n$HOME `x` \\ é 漢\nit's\n"


def call(session: Any, tool: str, **arguments: Any) -> Any:
    """Of the newest client alone."""
    return good(session.call_mcp_tool(tool, arguments)).data


@on_each_route("link", "api")
def test_tools_are_listed_with_one_that_does_no_harm_first(session: Any, image: str) -> None:
    tools = good(session.list_mcp_tools()).tools
    assert [tool.name for tool in tools].count("shell") == 1
    assert {tool.name for tool in tools} == {tool.name for tool in session.tool_list}
    for tool in tools:
        assert (tool.tool, tool.input_schema["type"]) == (tool.name, "object")
        assert tool.description
        assert tool.server
    free = next(tool.name for tool in tools if not tool.input_schema.get("required"))
    assert free == "get_metrics"
    assert call(session, free)
    assert [tool.name for tool in good(session.list_mcp_tools(image)).tools] == [tool.name for tool in tools]
    refused(session.list_mcp_tools("no-such-image"), "no-such-image")


@on_each_route("link", "api")
def test_sessions_of_an_image_in_api_mode_tell_no_link_url(session: Any, image: str) -> None:
    assert bool(session.link_url) == (image != "code_latest")


@on_each_route("link", "api")
def test_tool_is_called_by_its_name(session: Any) -> None:
    assert json.loads(call(session, "shell", command="echo ü", timeout_ms=ENOUGH))["stdout"] == "ü\n"
    good(session.call_mcp_tool("get_metrics", {}, read_timeout=30_000, connect_timeout=30_000))


@on_each_route("link", "api")
@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("no_such_tool", {}, "no_such_tool"),
        ("read_file", {"path": 3}, "path"),
        ("read_file", {}, "path"),
        ("read_file", {"path": "/tmp/x", "nonsense": 1}, "nonsense"),
        ("read_file", {"path": "/tmp/absent"}, "/tmp/absent"),
        ("run_code", {"code": "1", "language": "python"}, "'code'"),
        ("screenshot", {}, "'desktop'"),
        ("page_use_navigate", {"url": "a"}, "'browser'"),
    ],
)
def test_tool_that_says_no_is_understood(session: Any, tool: str, arguments: dict[str, Any], said: str) -> None:
    refused(session.call_mcp_tool(tool, arguments), said)


@on_each_route()
def test_code_waits_for_its_capability_by_name(session: Any) -> None:
    refused(code(session).run("print(1)", "python"), "'code'")


@on_each_route("link", "api")
def test_metrics_are_those_of_this_session(session: Any) -> None:
    found = good(session.get_metrics())
    metrics = found.metrics
    assert metrics.cpu_count >= 1
    assert metrics.cpu_used_pct >= 0
    assert metrics.mem_total > metrics.mem_used > 0
    assert metrics.disk_total > metrics.disk_used >= 0
    assert metrics.timestamp
    named = {"rx_rate_kbyte_per_s", "tx_rate_kbyte_per_s", "rx_used_kbyte", "tx_used_kbyte"}
    assert all(getattr(metrics, name) >= 0 for name in named)
    assert named <= found.raw.keys()


@on_each_route("link", "api")
def test_variables_of_the_session_are_set_and_read(session: Any) -> None:
    call(session, "set_env", envs=[{"key": "KEPT", "value": "ü 1"}])
    assert json.loads(call(session, "get_env", keys=["KEPT", "NONE"])) == {"KEPT": "ü 1"}
    assert good(session.command.execute("echo $KEPT", timeout_ms=ENOUGH)).stdout == "ü 1\n"


@on_each_route("link", "api")
def test_command_gives_output_errors_and_exit_code(session: Any) -> None:
    failed = refused(session.command.execute("echo out; echo err >&2; exit 3", timeout_ms=ENOUGH))
    assert (failed.exit_code, failed.stdout, failed.stderr) == (3, "out\n", "err\n")
    assert failed.error_message == "err\n"
    assert failed.trace_id.startswith("r-")
    ran = good(session.command.execute("echo out; echo err >&2", timeout_ms=ENOUGH))
    assert (ran.exit_code, ran.stdout, ran.stderr, ran.output) == (0, "out\n", "err\n", "out\nerr\n")
    silent = good(session.command.execute("true", timeout_ms=ENOUGH))
    assert (silent.output, silent.trace_id) == ("", "")


@on_each_route("first")
def test_first_generation_is_given_what_a_command_printed(session: Any) -> None:
    assert good(session.command.execute_command("echo out; echo err >&2", ENOUGH)).output == "out\nerr\n"
    assert refused(session.command.execute_command("echo bad >&2; exit 2", ENOUGH)).error_message == "bad\n"
    refused(session.command.execute_command("exit 2", ENOUGH), "2")


@on_each_route("link", "api")
def test_command_has_its_directory_and_variables(session: Any) -> None:
    ran = session.command.execute("echo $K; pwd", timeout_ms=ENOUGH, cwd="/tmp", envs={"K": "v 'ü\""})
    assert good(ran).stdout == "v 'ü\"\n/tmp\n"
    assert (
        good(session.command.execute("echo -$K-; pwd; whoami", timeout_ms=ENOUGH)).stdout
        == "--\n/home/wuying\nwuying\n"
    )
    refused(session.command.execute("true", timeout_ms=ENOUGH, cwd="/no/such/directory"), "/no/such/directory")


@on_each_route()
def test_command_is_a_script_with_all_its_lines(session: Any) -> None:
    assert good(command(session).execute(SCRIPT, timeout_ms=ENOUGH)).output == IT_PRINTS


@on_each_route()
def test_command_that_takes_longer_than_a_second_is_ended_unless_it_may(session: Any) -> None:
    refused(command(session).execute("echo before; exec sleep 600"), "1")
    until(
        lambda: command(session).execute("pgrep -x sleep || echo none", timeout_ms=ENOUGH).output == "none\n", "its end"
    )
    assert good(command(session).execute("sleep 1.5; echo after", timeout_ms=ENOUGH)).output == "after\n"


@on_each_route("link", "api")
def test_command_that_was_ended_has_the_exit_code_of_one(session: Any) -> None:
    ended = refused(session.command.execute("echo before; sleep 601"))
    assert (ended.exit_code, ended.output) == (124, "")
    assert ended.error_message


@on_each_route()
def test_long_output_arrives_whole(session: Any) -> None:
    printed = good(command(session).execute("seq 150000", timeout_ms=ENOUGH)).output
    assert printed == "".join(f"{number}\n" for number in range(1, 150_001))


@on_each_route("link", "api")
def test_output_that_is_no_text_can_be_read_still(session: Any) -> None:
    printed = good(session.command.execute(r"printf 'a\xff\x00b\001'", timeout_ms=ENOUGH)).stdout
    assert (printed[0], printed[-2:]) == ("a", "b\x01")


@on_each_route()
def test_what_a_command_leaves_in_the_background_runs_on(session: Any) -> None:
    good(command(session).execute("(sleep 0.3; echo late > /tmp/late) > /dev/null 2>&1 &", timeout_ms=ENOUGH))
    until(lambda: command(session).execute("cat /tmp/late", timeout_ms=ENOUGH).output == "late\n", "what it writes")


@on_each_route()
def test_calls_run_beside_each_other(session: Any) -> None:
    wait = "touch /tmp/$0-$$; until [ $(ls /tmp/met-* | wc -l) -ge 6 ]; do sleep 0.05; done; echo all"
    good(command(session).execute("rm -f /tmp/met-*", timeout_ms=ENOUGH))
    scripts = [(f"bash -c {json.dumps(wait).replace('$', chr(92) + '$')} met", ENOUGH)] * 6
    ran = command(session).execute.at_once(*scripts)
    assert [each.output for each in ran] == ["all\n"] * 6
