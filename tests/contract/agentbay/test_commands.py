"""Commands, by every route that a client takes."""

from typing import Any

from tests.contract.clients import ENOUGH, for_each_route
from tests.waiting import until

STRUCTURED = "0.13.1"
"""The first release that tells stdout, stderr and the exit code apart, and takes cwd and envs."""


@for_each_route()
def test_output_of_a_command_is_told(session: Any) -> None:
    done = session.command.execute_command("echo hi", ENOUGH)
    assert done.success, done
    assert done.output == "hi\n"


@for_each_route()
def test_script_of_many_lines_runs_in_a_shell(session: Any) -> None:
    script = "set -e\nfor n in 1 2 3; do\n  echo \"$n: 'ü 世界 🚀'\"\ndone | tail -2\ncat <<'END'\n$HOME `x`\nEND\n"
    script += "true && echo done"
    done = session.command.execute_command(script, ENOUGH)
    assert done.output == "2: 'ü 世界 🚀'\n3: 'ü 世界 🚀'\n$HOME `x`\ndone\n", done


@for_each_route()
def test_command_runs_as_the_user_at_home(session: Any) -> None:
    done = session.command.execute_command("whoami; pwd; echo $HOME", ENOUGH)
    assert done.output == "wuying\n/home/wuying\n/home/wuying\n"


@for_each_route(since=STRUCTURED)
def test_streams_and_exit_code_are_told_apart(session: Any) -> None:
    done = session.command.execute_command("echo out; echo err >&2; exit 3")
    assert (done.success, done.exit_code, done.stdout, done.stderr) == (False, 3, "out\n", "err\n"), done
    assert (done.output, done.error_message) == ("out\nerr\n", "err\n"), done
    if done.has("trace_id"):
        assert done.trace_id
        assert session.command.execute_command("true").trace_id == ""


@for_each_route(since=STRUCTURED)
def test_command_that_fails_in_silence_says_its_exit_code(session: Any) -> None:
    done = session.command.execute_command("echo out; exit 4")
    assert (done.success, done.exit_code, done.output) == (False, 4, "out\n"), done
    assert '"exit_code":4' in done.error_message, done


@for_each_route(until="0.9.3")
def test_first_clients_see_what_a_failed_command_said(session: Any, route: str) -> None:
    done = session.command.execute_command("echo out; echo err >&2; exit 3", ENOUGH)
    shown = done.output if route == "vpc" else done.error_message  # what comes by VPC is always a success to it
    assert "out\nerr\n" in shown, done


@for_each_route(since=STRUCTURED)
def test_command_has_the_directory_and_the_variables_that_it_is_given(session: Any) -> None:
    done = session.command.execute_command('pwd; echo "$A|$B"', cwd="/tmp", envs={"A": "ä 'quoted' \"", "B": "x\ny"})
    assert done.stdout == "/tmp\nä 'quoted' \"|x\ny\n", done
    assert session.command.execute_command('pwd; echo "$A|"').stdout == "/home/wuying\n|\n"


@for_each_route(since=STRUCTURED)
def test_command_in_no_directory_names_it(session: Any) -> None:
    done = session.command.execute_command("true", cwd="/no/such")
    assert not done.success
    assert "/no/such" in done.error_message, done


@for_each_route()
def test_command_that_takes_too_long_is_ended(session: Any) -> None:
    done = session.command.execute_command("sleep 600.7", 300)
    assert "did not end within 0.3 s" in f"{done.output}{done.error_message}", done
    look = "pgrep -f 'sleep 600.[7]' || echo none"
    until(lambda: session.command.execute_command(look, ENOUGH).output == "none\n", "it is gone")


@for_each_route(since=STRUCTURED)
def test_command_that_takes_too_long_has_no_output(session: Any) -> None:
    done = session.command.execute_command("echo early; sleep 601", 300)
    assert (done.success, done.output) == (False, ""), done
    assert done.error_message


@for_each_route(since=STRUCTURED)
def test_bytes_that_are_no_text_do_not_break_a_command(session: Any) -> None:
    done = session.command.execute_command(r"printf 'a\xff\xfeb\x00c\x01d\n'")
    assert done.success, done
    assert done.stdout == "a\ufffd\ufffdb\x00c\x01d\n"


@for_each_route(since=STRUCTURED)
def test_large_output_comes_whole(session: Any) -> None:
    done = session.command.execute_command("head -c 300000 /dev/zero | tr '\\0' x")
    assert done.success, done
    assert done.stdout == "x" * 300_000


@for_each_route()
def test_many_commands_run_at_once(session: Any) -> None:
    found = session.command.execute_command.at_once(*((f"sleep 0.2; echo {n}", ENOUGH) for n in range(10)))
    assert [done.output for done in found] == [f"{n}\n" for n in range(10)]


@for_each_route(since="0.15.2")
def test_other_names_of_a_command_do_the_same(session: Any) -> None:
    assert session.command.run("echo a").stdout == "a\n"
    assert session.command.exec("echo b").stdout == "b\n"


@for_each_route(since=STRUCTURED)
def test_command_that_does_not_exist_fails(session: Any) -> None:
    done = session.command.execute_command("no-such-program")
    assert (done.success, done.exit_code) == (False, 127), done
    assert "no-such-program" in done.error_message + done.stderr


@for_each_route(since=STRUCTURED)
def test_program_in_the_background_lives_on(session: Any, directory: str) -> None:
    started = session.command.execute_command(
        f"nohup sh -c 'sleep 0.2; echo ended > {directory}/x' >/dev/null 2>&1 & echo $!"
    )
    assert started.success, started
    waited = session.command.execute_command(f"until test -s {directory}/x; do sleep 0.05; done; cat {directory}/x")
    assert waited.stdout == "ended\n"


@for_each_route(since="0.15.2")
def test_script_may_be_large(session: Any) -> None:
    done = session.command.run("true " + "x" * 300_000 + "\necho end")
    assert done.stdout == "end\n", done


@for_each_route()
def test_python_is_there_by_the_name_that_scripts_call_it(session: Any, directory: str) -> None:
    assert session.file_system.write_file(f"{directory}/script.py", "print('Hello World')").success
    done = session.command.execute_command(f"cd {directory} && python script.py", ENOUGH)
    assert done.output == "Hello World\n", done
