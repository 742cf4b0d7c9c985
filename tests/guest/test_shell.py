"""Commands: what they print, how they end, and what they leave behind."""

import os
import resource
import threading
import time
from pathlib import Path

import pytest

from cove.guest import Guest

from .doors import IS_ROOT, OUTPUT_BYTES, done, eventually, failure_of


def test_output_and_exit_code_are_told_apart(guest: Guest) -> None:
    result = done(guest, "shell", command="echo out; echo err >&2; exit 3")
    assert result == {"stdout": "out\n", "stderr": "err\n", "exit_code": 3, "truncated": False}


@pytest.mark.parametrize(
    ("script", "printed"),
    [
        ("cat <<'END'\nä \"quoted\" $HOME\nEND\n", 'ä "quoted" $HOME\n'),
        ("echo a | tr a b && echo 'c\nd'", "b\nc\nd\n"),
        ("#" + "x" * 300_000 + "\necho long", "long\n"),
        ("cat /proc/self/oom_score_adj; umask", "500\n0022\n"),
        ("ls /proc/self/fd | wc -l", "4\n"),
        ("trap -p; kill -l PIPE", "13\n"),
    ],
)
def test_scripts_run_as_written(guest: Guest, script: str, printed: str) -> None:
    assert done(guest, "shell", command=script)["stdout"] == printed


def test_a_signal_that_ends_the_shell_is_in_its_exit_code(guest: Guest) -> None:
    assert done(guest, "shell", command="kill -9 $$")["exit_code"] == 137


def test_python_does_not_pass_on_its_ignored_signals(guest: Guest) -> None:
    result = done(guest, "shell", command="grep SigIgn /proc/self/status")
    thread_library = 0b11 << 31  # signals 32 and 33, which glibc keeps from everybody: they stay as they were
    assert int(result["stdout"].split()[1], 16) & ~thread_library == 0


def test_environment_is_made_from_nothing(guest: Guest, users_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COVE_TEST_SECRET", "seen")
    lines = done(guest, "shell", command="env", envs={"MORE": "ü"})["stdout"].splitlines()
    names = {line.partition("=")[0] for line in lines}
    assert names == {"PATH", "HOME", "USER", "LOGNAME", "LANG", "SHELL", "TERM", "MORE", "PWD", "SHLVL", "_"}
    assert {f"HOME={users_home}", "USER=wuying", "MORE=ü"} <= set(lines)


def test_stdin_is_what_was_given_and_empty_otherwise(guest: Guest) -> None:
    text = "ä" * 200_000
    assert done(guest, "shell", command="wc -c", stdin=text)["stdout"].strip() == "400000"
    assert done(guest, "shell", command="cat")["stdout"] == ""


def test_working_directory_is_home_or_the_one_named(guest: Guest, users_home: Path) -> None:
    assert done(guest, "shell", command="pwd")["stdout"].strip() == str(users_home)
    assert done(guest, "shell", command="pwd", cwd="/usr")["stdout"].strip() == "/usr"
    assert failure_of(guest, "shell", command="pwd", cwd="/not/there") == "NoSuchFile"
    assert failure_of(guest, "shell", command="pwd", cwd="/etc/passwd") == "NotADirectory"


def test_output_over_the_limit_is_dropped_and_the_command_goes_on(guest: Guest, users_home: Path) -> None:
    result = done(guest, "shell", command="yes | head -c 50000000; echo ok > done")
    assert (len(result["stdout"]), result["truncated"], result["exit_code"]) == (OUTPUT_BYTES, True, 0)
    assert (users_home / "done").read_text() == "ok\n"


def test_endless_output_costs_no_memory(guest: Guest) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert failure_of(guest, "shell", command="yes", timeout_ms=1500) == "CommandTimedOut"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


def test_output_that_is_not_text_is_replaced(guest: Guest) -> None:
    assert done(guest, "shell", command=r"printf 'a\377b'")["stdout"] == "a\ufffdb"


def test_both_outputs_may_be_opened_again_by_the_user(guest: Guest) -> None:
    result = done(guest, "shell", command="echo a > /dev/stdout; echo b > /dev/stderr")
    assert (result["stdout"], result["stderr"]) == ("a\n", "b\n")


def test_background_server_neither_holds_the_call_nor_dies(guest: Guest, users_home: Path) -> None:
    script = "(while :; do echo noise; echo x >> beats; sleep 0.02; done) & echo hi $!"
    said = done(guest, "shell", command=script)["stdout"].splitlines()
    (pid,) = [int(line.removeprefix("hi ")) for line in said if line.startswith("hi ")]
    try:
        eventually(lambda: (users_home / "beats").exists() and (users_home / "beats").stat().st_size > 20)
    finally:
        done(guest, "shell", command=f"kill -9 {pid}")
        eventually(lambda: not _is_alive(pid))


def test_background_flood_does_not_stand_still(guest: Guest, users_home: Path) -> None:
    script = "echo hi; (head -c 3000000 /dev/zero; touch flooded) &"
    assert done(guest, "shell", command=script)["stdout"].startswith("hi\n")
    eventually((users_home / "flooded").exists)


def test_timeout_kills_the_whole_process_group_even_where_sigterm_is_ignored(guest: Guest, users_home: Path) -> None:
    script = "trap '' TERM; (trap '' TERM; echo $BASHPID > inner; sleep 100) & echo $$ > outer; sleep 100"
    for milliseconds in (300, 3000, 30_000):  # until the machine is quick enough to start both in time
        assert failure_of(guest, "shell", command=script, timeout_ms=milliseconds) == "CommandTimedOut"
        told = [path.read_text() for path in (users_home / "inner", users_home / "outer") if path.exists()]
        if len(list(filter(str.strip, told))) == 2:
            break
    for pid in map(int, told):
        eventually(lambda pid=pid: not _is_alive(pid))


def _is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_timeout_counts_in_time(guest: Guest) -> None:
    began = time.monotonic()
    failure_of(guest, "shell", command="sleep 60", timeout_ms=300)
    assert 0.3 <= time.monotonic() - began < 50


def test_cancelled_command_ends_with_its_group(guest: Guest) -> None:
    outcomes = []
    thread = threading.Thread(
        target=lambda: outcomes.append(guest.call("shell", {"command": "sleep 100 | sleep 100"}, "c-1"))
    )
    thread.start()
    eventually(lambda: guest.cancel("c-1"))
    thread.join(30)
    assert outcomes[0].failure.code == "CommandCancelled"
    assert not guest.cancel("c-1")


@pytest.mark.parametrize("command", ["", "echo \0"])
def test_commands_that_cannot_be_run_are_refused(guest: Guest, command: str) -> None:
    assert failure_of(guest, "shell", command=command) == "InvalidCommand"


@pytest.mark.parametrize("envs", [{"": "x"}, {"A=B": "x"}, {"A": "\0"}])
def test_variables_that_no_environment_holds_are_refused(guest: Guest, envs: dict[str, str]) -> None:
    assert failure_of(guest, "shell", command="env", envs=envs) == "InvalidVariable"
    assert failure_of(guest, "set_env", envs=[{"key": key, "value": value} for key, value in envs.items()]) == (
        "InvalidVariable"
    )


def test_set_variables_reach_commands_and_those_of_one_command_win(guest: Guest) -> None:
    done(guest, "set_env", envs=[{"key": "A", "value": "1"}, {"key": "B", "value": "2"}])
    assert done(guest, "shell", command="echo $A$B", envs={"B": "3"})["stdout"] == "13\n"
    assert done(guest, "get_env", keys=["A", "C"])["variables"] == {"A": "1"}
    assert done(guest, "get_env")["variables"].keys() >= {"PATH", "HOME", "A", "B"}


@pytest.mark.skipif(not IS_ROOT, reason="switching users needs root")
@pytest.mark.parametrize("guest", ["forked"], indirect=True)
def test_commands_have_the_rights_of_their_user(guest: Guest) -> None:
    assert done(guest, "shell", command="id -u; id -G")["stdout"] == "1000\n1000\n"
    assert done(guest, "shell", command="id -u; id -G; echo $HOME", user="root")["stdout"] == "0\n0\n/root\n"
    assert done(guest, "shell", command="cat /etc/shadow")["exit_code"] != 0


def test_the_shell_is_ours_whatever_the_variables_say(guest: Guest) -> None:
    assert done(guest, "shell", command="echo $SHELL", envs={"SHELL": "/bin/false"})["stdout"] == "/bin/false\n"


def test_nothing_stays_open_after_calls(guest: Guest) -> None:
    done(guest, "shell", command="true")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        done(guest, "shell", command="echo x; echo y >&2", stdin="z")
        done(guest, "list_directory", path="/")
        failure_of(guest, "shell", command="sleep 9", timeout_ms=20)
        failure_of(guest, "shell", command="true", cwd="/not/there")
    eventually(lambda: len(os.listdir("/proc/self/fd")) <= before)
