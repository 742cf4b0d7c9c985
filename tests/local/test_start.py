"""`AgentBay()` alone: the Cove that it starts, who shares it, and what becomes of it when its starter ends."""

import os
import pty
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.waiting import until
from tests.world import descriptors

from cove import AgentBay

from .conftest import SECONDS, Home

FIRST_RESULT = """
from cove import AgentBay
session = AgentBay().create().unwrap()
print(session.command.run("echo $((6*7))").output.strip(), session.session_id, flush=True)
"""
ASYNC_RESULT = """
import asyncio
from cove import AsyncAgentBay
async def main():
    async with AsyncAgentBay() as bay, bay.open() as session:
        print((await session.command.run("echo $((6*7))")).output.strip())
asyncio.run(main())
"""
PID = "from cove import AgentBay; print(AgentBay().server.health().pid)"
WAIT = "\nimport signal; signal.pause()"


def test_agentbay_alone_gives_a_session(home: Home) -> None:
    assert home.run(FIRST_RESULT).startswith("42 s-")
    assert home.health().is_background


def test_the_async_client_starts_it_too(home: Home) -> None:
    assert home.run(ASYNC_RESULT) == "42"


def test_the_loop_runs_on_while_a_cove_starts(home: Home) -> None:
    code = """
import asyncio
from cove import AsyncAgentBay
async def main():
    starting = asyncio.ensure_future(AsyncAgentBay().server.health())
    for _ in range(20):
        await asyncio.sleep(0.01)
    assert not starting.done()
    with open(PIPE, "w") as instance:
        with open(PIPE + ".later", "w") as later:
            later.write(ID)
        os.replace(PIPE + ".later", PIPE)
        instance.write(ID)
    print((await starting).status)
asyncio.run(main())
"""
    assert home.run(f"import os; PIPE, ID = {str(home.stand_still())!r}, {secrets.token_hex(4)!r}{code}") == "ok"


def test_it_survives_the_kill_of_its_starter(home: Home, client: AgentBay) -> None:
    starter = home.begin(FIRST_RESULT + WAIT)
    assert starter.stdout is not None
    session_id = starter.stdout.readline().split()[1]
    pid = home.health().pid
    os.killpg(starter.pid, signal.SIGKILL)
    starter.wait(60)
    assert home.health().pid == pid
    assert client.get(session_id).unwrap().command.run("echo on").output == "on\n"


def test_a_starter_and_its_group_killed_while_it_starts_leave_a_cove_that_starts(home: Home) -> None:
    starter = home.begin(PID)
    pid = until(home.data.holder, "a server holds the directory", SECONDS)
    os.killpg(starter.pid, signal.SIGKILL)
    assert home.health().pid == pid


def test_it_holds_no_terminal_no_directory_and_no_file_of_its_starter(home: Home) -> None:
    ours, theirs = pty.openpty()
    place = home.data.root / "of-the-starter"
    place.mkdir()
    program = subprocess.Popen(
        [sys.executable, "-c", PID], env=home.environ, stdin=theirs, stdout=theirs, stderr=theirs, cwd=place
    )
    os.close(theirs)
    assert program.wait(100) == 0
    os.close(ours)
    pid = home.health().pid
    process = Path("/proc", str(pid))
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    assert (int(fields[3]), int(fields[4])) == (int(process.name), 0)  # its own session, no terminal
    assert (process / "cwd").readlink() == Path("/")
    opened = [str((process / "fd" / name).readlink()) for name in ("0", "1", "2")]
    assert opened == ["/dev/null", str(home.data.log), str(home.data.log)]
    assert not [name for name in descriptors(pid) if "/dev/pt" in name]


def test_it_starts_with_standard_files_closed(home: Home, tmp_path: Path) -> None:
    code = f"from cove import AgentBay; open({str(tmp_path / 'pid')!r}, 'w').write(str(AgentBay().server.health().pid))"
    subprocess.run(["bash", "-c", f'exec "{sys.executable}" -c "$CODE" 0<&- 1>&- 2>&-'],
                   env=home.environ | {"CODE": code}, check=True, timeout=100)  # fmt: skip
    assert int((tmp_path / "pid").read_text()) == home.health().pid


def test_it_can_be_stopped_whatever_its_starter_ignores_or_blocks(home: Home) -> None:
    ignoring = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
"""
    pid = home.run(ignoring + PID)
    assert home.cove("stop").stdout == f"process {pid} has ended\n"


@pytest.mark.parametrize("words", [("up", "--background"), ("session", "list")])
def test_a_private_umask_of_its_starter_does_not_reach_the_sandboxes(
    home: Home, client: AgentBay, words: tuple[str, ...]
) -> None:
    command = ["bash", "-c", 'umask 077; exec "$@"', "-", sys.executable, "-m", "cove", *words]
    subprocess.run(command, env=home.environ, check=True, stdout=subprocess.DEVNULL, timeout=100)
    with client.open() as session:
        assert session.command.run("touch here && stat -c %a /etc /etc/passwd here").output == "755\n644\n644\n"


def test_twenty_starters_at_once_get_one_cove(home: Home) -> None:
    starters = [home.begin(PID) for _ in range(20)]
    said = [starter.communicate(timeout=200) for starter in starters]
    assert {answer for answer, _ in said} == {f"{home.health().pid}\n"}, said


def test_twenty_threads_of_a_program_get_one_cove(home: Home) -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
from cove import AgentBay
with ThreadPoolExecutor(20) as threads:
    print(*set(threads.map(lambda _: AgentBay().server.health().pid, range(20))))
"""
    assert home.run(code) == str(home.health().pid)


def test_command_line_and_client_see_one_cove(home: Home) -> None:
    session_id = home.run(FIRST_RESULT).split()[1]
    pid = home.health().pid
    assert f"process {pid}, in the background" in home.cove("status").stdout
    assert session_id in home.cove("session", "list").stdout
    assert "session running" in home.cove("logs").stdout
    assert home.cove("stop").stdout == f"process {pid} has ended\n"
    found = f"from cove import AgentBay; print(AgentBay().get({session_id!r}).unwrap().command.run('echo on').output)"
    assert home.run(found) == "on"  # in a new Cove, the same session
    assert home.health().pid != pid


def test_the_command_line_starts_it_too(home: Home) -> None:
    assert home.cove("session", "create").stdout.startswith("s-")
    assert home.health().is_background


def test_to_look_for_a_cove_starts_none(home: Home) -> None:
    status = home.cove("status")
    assert (status.returncode, "start one with `cove up`" in status.stderr) == (1, True)
    home.cove("stop")
    home.cove("logs")
    assert home.data.holder() is None


def test_a_client_with_an_endpoint_starts_none(home: Home) -> None:
    code = "from cove import AgentBay; AgentBay().server.health()"
    assert "no Cove answers at" in home.fail(code, COVE_ENDPOINT=f"unix://{home.data.socket}")
    assert home.data.holder() is None


def test_a_cove_in_the_foreground_is_the_local_one(home: Home) -> None:
    pid = home.server.up().pid
    assert home.run(PID) == str(pid)
    assert not home.health().is_background


def test_up_in_the_background_twice_is_the_same_cove(home: Home) -> None:
    first, second = home.cove("up", "--background", "--json"), home.cove("up", "--background")
    pid = home.health().pid
    assert f'"pid":{pid}' in first.stdout
    assert home.health().url in second.stdout
    assert "`cove stop` ends it" in second.stdout


def test_up_in_the_foreground_beside_one_in_the_background_is_told_who_serves(home: Home) -> None:
    pid = home.run(PID)
    second = home.cove("up")
    assert (second.returncode, f"process {pid} already serves" in second.stderr) == (1, True)


def test_a_client_starts_it_again_when_it_has_gone(home: Home) -> None:
    code = """
import os, subprocess, sys
from cove import AgentBay
bay = AgentBay()
session = bay.create().unwrap()
first = bay.server.health().pid
subprocess.run([sys.executable, "-m", "cove", "stop"], check=True, stdout=subprocess.DEVNULL)
print(session.command.run("echo again").output.strip(), bay.server.health().pid != first)
"""
    assert home.run(code) == "again True"


def test_modules_in_the_starters_directory_are_not_loaded(home: Home) -> None:
    for name in ("cove", "typer", "secrets", "structlog"):
        (home.data.root / f"{name}.py").write_text("raise SystemExit('loaded from the wrong place')")
    code = f"import cove, os; from cove import AgentBay; os.chdir({str(home.data.root)!r}); AgentBay().server.health()"
    home.run(code)
