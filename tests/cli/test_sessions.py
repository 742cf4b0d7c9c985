"""`cove session` and `cove key`: what they print, for people's programs, and how they fail."""

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.waiting import until

from .conftest import environment

Run = Any
Served = Any


def json_of(done: "subprocess.CompletedProcess[str]") -> Any:
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return msgspec.json.decode(done.stdout)


def test_create_prints_the_id_alone_and_list_shows_it(run: Run, session: str) -> None:
    header, *rows = run("session", "list").stdout.splitlines()
    assert header.split("\t") == ["ID", "STATE", "IMAGE", "AGE", "LABELS"]
    assert [row.split("\t")[1] for row in rows if row.startswith(session)] == ["RUNNING"]


def test_list_filters_by_label_and_state(run: Run, session: str) -> None:
    found = json_of(run("session", "list", "--label", "of=a test", "--status", "RUNNING", "--json"))
    assert session in [view["session_id"] for view in found["sessions"]]
    assert json_of(run("session", "list", "--label", "of=another", "--json"))["sessions"] == []


def test_limits_and_lifetimes_are_those_that_were_asked_for(run: Run) -> None:
    made = json_of(run("session", "create", "--limit", "memory_bytes=256M", "--lifetime", "60", "--json"))
    assert (made["limits"]["memory_bytes"], made["max_lifetime"]) == (256 * 1024 * 1024, 60)
    run("session", "delete", made["session_id"])


def test_show_tells_state_and_use(run: Run, session: str) -> None:
    shown = json_of(run("session", "show", session, "--json"))
    assert shown["session"]["state"] == "RUNNING"
    assert shown["metrics"]["mem_total"] > 0
    assert "RUNNING" in run("session", "show", session).stdout
    assert "\nmade from     simulated-host\n" in run("session", "show", session).stdout


def test_pause_and_resume_tell_the_state(run: Run, session: str) -> None:
    assert json_of(run("session", "pause", session, "--json"))["state"] == "PAUSED"
    assert run("session", "resume", session).stdout == f"{session} is RUNNING\n"


def test_many_are_deleted_at_once_and_are_gone(run: Run) -> None:
    ids = [run("session", "create").stdout.strip() for _ in range(2)]
    assert json_of(run("session", "delete", *ids, "--json"))["deleted"] == ids
    gone = run("session", "exec", ids[0], "true")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert ids[0] in gone.stderr
    ended = json_of(run("session", "show", ids[0], "--json"))["session"]
    assert (ended["state"], ended["end_reason"]) == ("FINISH", "deleted")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("create", "--image", "no-such-image"), "no image 'no-such-image'"),
        (("create", "--label", "novalue"), "give NAME=VALUE"),
        (("create", "--limit", "wings=2"), "wings"),
        (("create", "--lifetime", "-1"), "more than 0"),
        (("exec", "s-unknown", "true"), "no session 's-unknown'"),
        (("pause", "s-unknown"), "no session 's-unknown'"),
        (("delete", "s-unknown"), "no session 's-unknown'"),
        (("files", "get", "s-unknown", "x"), "no session 's-unknown'"),
    ],
)
def test_what_is_refused_is_one_sentence_and_exit_code_1(run: Run, words: tuple[str, ...], sentence: str) -> None:
    done = run("session", *words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert done.stderr.startswith("cove: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_exec_ends_with_the_commands_exit_code_and_streams(run: Run, session: str, code: int) -> None:
    done = run("session", "exec", session, f"echo out; echo err >&2; exit {code}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "out\n", "err\n")


def test_exec_passes_words_on_as_they_are(run: Run, session: str) -> None:
    done = run("session", "exec", session, "printf", "%s|", "two words", "$HOME", "--json")
    assert done.stdout == "two words|$HOME|--json|"


def test_exec_takes_the_two_dashes_that_other_programs_want(run: Run, session: str) -> None:
    assert run("session", "exec", session, "--", "echo", "--", "hi").stdout == "-- hi\n"


def test_exec_passes_standard_input_on(run: Run, session: str) -> None:
    assert run("session", "exec", session, "tr a-z A-Z", given="grüße\n").stdout == "GRüßE\n"


def test_exec_refuses_input_that_is_no_text(run: Run, session: str) -> None:
    done = run("session", "exec", session, "cat", given=b"\xff\xfe")
    assert done.returncode == 1
    assert "only UTF-8 text" in done.stderr


def test_exec_runs_where_it_is_told_to(run: Run, session: str) -> None:
    run("session", "files", "put", session, "-", "/tmp/here", given="yes")
    assert run("session", "exec", "--cwd", "/tmp", session, "cat here").stdout == "yes"


def test_exec_tells_programs_everything_at_once(run: Run, session: str) -> None:
    done = run("session", "exec", "--json", session, "echo out; exit 3")
    told = msgspec.json.decode(done.stdout)
    assert (done.returncode, told["exit_code"], told["stdout"], told["truncated"]) == (3, 3, "out\n", False)


def test_a_command_that_takes_too_long_is_a_sentence(run: Run, session: str) -> None:
    done = run("session", "exec", "--timeout", "0.2", session, "sleep 30")
    assert done.returncode == 1
    assert done.stderr.startswith("cove: ")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_command_inside_too(
    served: Served, run: Run, session: str, tmp_path: Path, number: int, code: int
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = f"echo $$ > {fifo}; sleep 300"
    process = subprocess.Popen(
        [sys.executable, "-m", "cove", "session", "exec", "--timeout", "300", session, script],
        env=environment(served.data),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    inside = int(fifo.read_text())
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (code, "")
    until(lambda: not Path(f"/proc/{inside}").exists(), "the command is gone")


def test_files_go_in_and_out_unchanged(run: Run, session: str, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20_000  # more than one piece
    (tmp_path / "in").write_bytes(content)
    assert run("session", "files", "put", session, str(tmp_path / "in"), "there").returncode == 0
    assert run("session", "files", "get", session, "there", str(tmp_path / "out")).returncode == 0
    assert (tmp_path / "out").read_bytes() == content


def test_a_file_comes_from_stdin_and_goes_to_stdout(run: Run, session: str) -> None:
    run("session", "files", "put", session, "-", "note", given="hello\n")
    assert run("session", "files", "get", session, "note").stdout == "hello\n"
    told = json_of(run("session", "files", "get", session, "note", "--json"))
    assert base64.b64decode(told["content"]) == b"hello\n"


def test_an_empty_file_is_put_as_one(run: Run, session: str) -> None:
    assert json_of(run("session", "files", "put", session, "-", "empty", "--json"))["size"] == 0
    assert run("session", "files", "get", session, "empty").stdout == ""


def test_directories_are_made_listed_moved_and_deleted(run: Run, session: str) -> None:
    run("session", "files", "mkdir", session, "box/inner")
    run("session", "files", "mv", session, "box", "case")
    assert "inner/\t\n" in run("session", "files", "ls", session, "case").stdout
    assert run("session", "files", "rm", session, "case").returncode == 0
    assert run("session", "files", "ls", session, "case").returncode == 1


def test_a_file_that_is_not_here_is_named(run: Run, session: str) -> None:
    done = run("session", "files", "put", session, "/no/such/file", "x")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "/no/such/file" in done.stderr


def test_a_key_works_over_tcp_until_it_is_revoked(served: Served, run: Run) -> None:
    made = run("key", "create", "blue")
    secret, key_id = made.stdout.strip(), made.stderr.split()[2]
    over_tcp = {"COVE_ENDPOINT": served.url, "COVE_API_KEY": secret}
    assert run("session", "list", **over_tcp).returncode == 0
    refused = run("key", "create", "green", **over_tcp)
    assert (refused.returncode, "operator" in refused.stderr) == (1, True)
    assert key_id in run("key", "list").stdout
    assert secret not in run("key", "list", "--json").stdout
    assert [key["tenant"] for key in json_of(run("key", "list", "--json", **over_tcp))] == ["blue"]
    assert run("key", "revoke", key_id).stdout == f"{key_id} is revoked\n"
    assert run("session", "list", **over_tcp).returncode == 1


def test_the_tcp_door_needs_a_key(served: Served, run: Run) -> None:
    done = run("session", "list", COVE_ENDPOINT=served.url)
    assert done.returncode == 1
    assert "API key" in done.stderr


def test_status_tells_process_and_isolation(served: Served, run: Run) -> None:
    told = json_of(run("status", "--json"))
    assert (told["health"]["pid"], told["endpoint"]) == (served.pid, served.socket)
    shown = run("status").stdout
    assert f"process {served.pid}" in shown
    assert "simulated: none" in shown


def test_logs_are_lines_for_people_or_objects_for_programs(run: Run, session: str) -> None:
    lines = run("logs", "--json").stdout.splitlines()
    assert any(msgspec.json.decode(line).get("session_id") == session for line in lines)
    assert f"session_id={session}" in run("logs").stdout
