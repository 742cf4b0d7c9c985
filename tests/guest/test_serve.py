"""The guest behind its socket: frames, threads, ids, cancelling, and being killed."""

import itertools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cove.core.frames import MAX_FRAME, frame
from cove.guest.tools import catalogue

from .doors import IS_ROOT, PATIENCE, Door, answer_on, children, eventually, kill

GARBAGE = {
    "not JSON": (5).to_bytes(4) + b"hello",
    "a list": (2).to_bytes(4) + b"[]",
    "gigabytes announced": (1 << 31).to_bytes(4),
    "just over the bound": (MAX_FRAME + 1).to_bytes(4),
    "as deep as it goes": (200_000).to_bytes(4) + b"[" * 100_000 + b"]" * 100_000,
    "empty": (0).to_bytes(4),
}
REQUESTS: dict[str, tuple[Any, int]] = {
    "no method": ({"jsonrpc": "2.0", "id": 1}, -32601),
    "no version": ({"id": 1, "method": "ping"}, -32600),
    "an object as id": ({"jsonrpc": "2.0", "id": {}, "method": "ping"}, -32600),
    "a number as method": ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32601),
    "unknown method": ({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}, -32601),
    "params that are a list": ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": [1]}, -32602),
    "a call without a name": ({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}, -32602),
    "a call id that is a number": (
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "shell", "callId": 5}}, -32602,
    ),
    "a cancel of nothing": ({"jsonrpc": "2.0", "id": 1, "method": "notifications/cancelled"}, -32602),
}  # fmt: skip


def test_ping_and_list_are_answered(door: Door) -> None:
    assert door.ask("ping") == {"jsonrpc": "2.0", "id": 7, "result": {}}
    listed = door.ask("tools/list")["result"]["tools"]
    assert [tool["name"] for tool in listed] == [tool.name for tool in catalogue()]


def test_calls_come_back_as_structured_content(door: Door) -> None:
    result = door.ask("tools/call", {"name": "shell", "arguments": {"command": "echo hi"}})["result"]
    assert result["isError"] is False
    assert result["structuredContent"] == {"stdout": "hi\n", "stderr": "", "exit_code": 0, "truncated": False}
    result = door.ask("tools/call", {"name": "read_file", "arguments": {"path": "missing"}})["result"]
    assert result["isError"] is True
    assert result["structuredContent"]["code"] == "NoSuchFile"


def test_unfit_calls_are_errors_that_the_node_can_rebuild(door: Door) -> None:
    error = door.ask("tools/call", {"name": "shell", "arguments": {"command": 5}})["error"]
    assert (error["code"], error["data"]["code"], error["data"]["facts"]["tool"]) == (
        -32602, "InvalidToolArguments", "shell",
    )  # fmt: skip
    error = door.ask("tools/call", {"name": "fly"})["error"]
    assert (error["code"], error["data"]["code"]) == (-32602, "ToolNotFound")


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_ends_its_own_connection_only(door: Door, garbage: bytes) -> None:
    with door.connect() as connection:
        connection.sendall(garbage)
        assert answer_on(connection)["error"]["code"] == -32700
        assert connection.recv(1) == b""
    assert door.ask("ping")["result"] == {}


@pytest.mark.parametrize(("request_", "code"), REQUESTS.values(), ids=REQUESTS.keys())
def test_requests_that_are_none_are_told_so(door: Door, request_: dict[str, Any], code: int) -> None:
    with door.connect() as connection:
        connection.sendall(frame(request_))
        assert answer_on(connection)["error"]["code"] == code


def test_clients_that_say_nothing_are_in_nobodys_way(door: Door) -> None:
    silent = [door.connect() for _ in range(20)]
    with door.connect() as slow:
        message = frame({"jsonrpc": "2.0", "id": 1, "method": "ping"})
        for byte in message[:-1]:
            slow.sendall(bytes([byte]))
        assert door.ask("ping")["result"] == {}
        slow.sendall(message[-1:])
        assert answer_on(slow)["result"] == {}
    for connection in silent:
        connection.close()


def test_a_client_that_does_not_read_keeps_nobody_waiting(door: Door) -> None:
    door.shell("head -c 20000 /dev/zero > zeros")
    with door.connect() as lazy:
        arguments = {"paths": ["zeros"] * 200}
        params = {"name": "read_multiple_files", "arguments": arguments, "callId": "lazy"}
        lazy.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
        assert door.shell("echo hi")["stdout"] == "hi\n"
    assert len(door.call("read_multiple_files", arguments, "lazy")["files"]) == 200


def test_the_same_call_id_never_runs_twice(door: Door) -> None:
    answers: list[dict[str, Any]] = []
    call = {"command": "echo run >> runs; sleep 0.5; echo $$"}
    threads = [threading.Thread(target=lambda: answers.append(door.call("shell", call, "same"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    answers.append(door.call("shell", call, "same"))
    assert len(answers) == 5
    assert all(answer == answers[0] for answer in answers)
    assert (door.home / "runs").read_text() == "run\n"


def test_a_call_goes_on_without_its_client_and_its_result_waits(door: Door) -> None:
    params = {
        "name": "shell",
        "arguments": {"command": "touch begun; sleep 0.3; echo made; touch ended"},
        "callId": "x",
    }
    with door.connect() as connection:
        connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
        eventually((door.home / "begun").exists)
    eventually((door.home / "ended").exists)
    assert door.call("shell", {"command": "echo another"}, "x")["stdout"] == "made\n"


def test_only_the_last_results_are_kept(door: Door) -> None:
    for number in range(66):
        door.call("set_env", {"envs": [{"key": "N", "value": str(number)}]}, f"c{number}")
    assert door.call("get_env", {"keys": ["N"]}, "c0")["variables"] == {"N": "65"}
    assert door.call("get_env", {"keys": ["N"]}, "c65")["variables"] == {"N": "65"}


def test_cancelling_ends_a_call_and_its_processes(door: Door) -> None:
    params = {"name": "shell", "arguments": {"command": "touch begun; sleep 100 & sleep 100"}, "callId": "long"}
    with door.connect() as connection:
        connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
        eventually((door.home / "begun").exists)
        assert door.ask("notifications/cancelled", {"requestId": "long"})["result"] == {"cancelled": True}
        assert answer_on(connection)["result"]["structuredContent"]["code"] == "CommandCancelled"
    assert door.ask("notifications/cancelled", {"requestId": "long"})["result"] == {"cancelled": False}
    eventually(lambda: door.shell("pgrep -c sleep")["stdout"] == "0\n")


def test_twenty_commands_run_at_once(door: Door) -> None:
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda n=number: answers.append(door.shell(f"sleep 0.2; echo {n}")["stdout"]))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(int(answer) for answer in answers) == list(range(20))


def test_calls_one_after_the_other_begin_no_thread(door: Door) -> None:
    door.ask("ping")

    def threads() -> set[str]:
        return {task.name for task in Path(f"/proc/{door.server_pid()}/task").iterdir()}

    def are_all_there() -> bool:
        before = threads()
        for _ in range(5):
            door.call("get_env", {})
        return threads() == before

    eventually(are_all_there)


def test_a_guests_children_have_nothing_to_do_before_their_work() -> None:
    loaded = "import cove.guest.serve, cove.guest.openings, sys; print('threading' in sys.modules)"
    printed = subprocess.run([sys.executable, "-I", "-c", loaded], capture_output=True, text=True, check=True).stdout
    assert printed == "False\n", "its hook runs in every forked child"


def test_orphans_are_reaped_and_leave_no_zombies(door: Door) -> None:
    door.shell("for i in 1 2 3 4 5; do (setsid sleep 0.01 &) ; done")
    eventually(lambda: door.shell("ps -eo stat= | grep -c Z")["stdout"] == "0\n")


def test_a_killed_guest_comes_back_with_its_variables_beside_living_processes(door: Door) -> None:
    door.call("set_env", {"envs": [{"key": "KEPT", "value": "yes"}]})
    script = "(while :; do echo noise; echo noise >&2; echo x >> beats; sleep 0.02; done) & echo $!"
    background = next(line for line in door.shell(script)["stdout"].split() if line.isdigit())
    old = door.server_pid()
    with door.connect() as connection:
        params = {"name": "shell", "arguments": {"command": "touch begun; sleep 100"}, "callId": "lost"}
        connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
        eventually((door.home / "begun").exists)
        kill(old)
        with pytest.raises((EOFError, ConnectionResetError)):
            answer_on(connection)
    assert door.call("get_env", {"keys": ["KEPT"]})["variables"] == {"KEPT": "yes"}
    assert door.server_pid() != old
    eventually((door.home / "beats").exists)
    size = (door.home / "beats").stat().st_size
    eventually(lambda: (door.home / "beats").stat().st_size > size + 20)
    assert door.shell(f"kill -0 {background} && echo alive", user="root")["stdout"] == "alive\n"


def test_a_guest_that_is_killed_again_and_again_still_comes_back(door: Door) -> None:
    killed: set[int] = set()
    for _ in range(3):
        pid = eventually(lambda: {door.server_pid()} - killed).pop()
        kill(pid)
        killed.add(pid)
    eventually(lambda: is_answered(door))


def is_answered(door: Door) -> bool:
    """Whether it answers; not where a server has accepted the connection just before its end."""
    try:
        return bool(door.ask("ping")["result"] == {})
    except (EOFError, ConnectionError):
        return False


def test_signals_from_inside_do_not_move_pid_1(door: Door) -> None:
    door.shell("kill -TERM 1; kill -INT 1; kill -HUP 1; kill -USR1 1; kill -9 1", user="root")
    assert door.ask("ping")["result"] == {}


@pytest.mark.skipif(not IS_ROOT, reason="switching users needs root")
def test_a_process_of_the_user_cannot_speak_to_the_guest(door: Door) -> None:
    client = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/proc/self/fd/9/guest.sock');"
        "s.sendall((50).to_bytes(4, 'big')); print(s.recv(10))"
    )
    directory = door.path.rpartition("/")[0]
    door.shell(f"chmod 777 {directory} {door.path}", user="root")
    result = door.shell(f'exec 9< {directory}; python3 -I -S -c "{client}"')
    assert "b''" in result["stdout"] or "Broken" in result["stderr"] or "reset" in result["stderr"], result


def test_a_connection_made_while_there_is_no_server_waits_for_the_next(door: Door) -> None:
    door.ask("ping")
    kill(door.server_pid())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(door.path)
        try:
            connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "ping"}))
            assert answer_on(connection)["result"] == {}
        except (EOFError, ConnectionError):  # it was accepted by the old one just before its end, which is over now
            assert door.ask("ping")["result"] == {}


def test_a_deadline_does_not_count_frozen_time(door: Door) -> None:
    for seconds in (2.5, 10.0, 40.0):  # until the machine is quick enough to do all but standing still in time
        answer = frozen_for(door, seconds)
        if "stdout" in answer:
            break
    assert answer.get("stdout") == "done\n", answer


def frozen_for(door: Door, seconds: float) -> dict[str, Any]:
    """What a command answers that may run so long, and stands still for longer."""
    answers: list[dict[str, Any]] = []
    script = "rm -f go; touch begun; until [ -e go ]; do sleep 0.02; done; echo done"
    (door.home / "begun").unlink(missing_ok=True)
    call = partial(door.shell, script, timeout_ms=int(seconds * 1000))
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    eventually((door.home / "begun").exists)
    everyone = [door.server_pid(), *children(door.server_pid())]
    send(signal.SIGSTOP, everyone)
    thread.join(seconds + 0.5)
    (door.home / "go").touch()
    send(signal.SIGCONT, everyone)
    thread.join(PATIENCE)
    return answers[0]


def send(number: int, receivers: list[int]) -> None:
    for pid in receivers:
        with suppress(ProcessLookupError):  # its time was up already
            os.kill(pid, number)


def test_a_cancelled_file_tool_ends(door: Door) -> None:
    names = "a" * 30
    door.shell(f"mkdir many; cd many; for i in $(seq 2000); do echo {names}$i; done | xargs touch")
    numbers = itertools.count()

    def is_cancelled() -> bool:
        """Whether a search was told to end before it was done; it may have been too quick."""
        call_id = f"search-{next(numbers)}"
        arguments = {"path": "many", "pattern": "*a" * 25 + "*b"}
        params = {"name": "search_files", "arguments": arguments, "callId": call_id}
        with door.connect() as connection:
            connection.sendall(frame({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}))
            cancelled = False  # it may not have begun yet
            while not (cancelled or select.select([connection], [], [], 0)[0]):
                cancelled = door.ask("notifications/cancelled", {"requestId": call_id})["result"]["cancelled"]
            content = answer_on(connection)["result"]["structuredContent"]
        assert cancelled or "matches" in content
        return content.get("code") == "CallCancelled"

    eventually(is_cancelled)


def test_every_file_tool_works_where_the_user_may_not_read_our_python(door: Door) -> None:
    door.shell("printf 'a\\nb\\n' > f")
    assert "+c" in door.call("edit_file", {"path": "f", "edits": [{"oldText": "b", "newText": "c"}]})["diff"]
    assert door.call("search_files", {"path": ".", "pattern": "f*"})["matches"] == [str(door.home / "f")]
    there = f"/dev/shm/{door.home.name}"
    try:
        assert door.call("move_file", {"source": "f", "destination": there}) == {"path": there}
    finally:
        door.shell(f"rm -f {there}")
