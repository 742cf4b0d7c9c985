"""A Cove under test: its server as a process of its own that can be killed and started again on the same data."""

import json
import os
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
from tests.asking import at_socket
from tests.serving import START_SECONDS, Server
from tests.waiting import until, until_none
from tests.world import children, command_of, is_alive

SERVER = Path(__file__).parent / "server.py"
TRANSIENT = {"CREATING", "PAUSING", "RESUMING", "DELETING"}
ENDED = {"FINISH", "FAILED"}
COUNTING = """
(i=0; while :; do i=$((i+1)); echo "$BASHPID $i"; sleep 0.01; done >/home/wuying/count) >/dev/null 2>&1 &
"""


class Cove(Server):
    """A data directory and the server on it, which `start` starts."""

    def start(self, *, die_at: str = "", refuse: str = "", allow: tuple[str, ...] = ()) -> None:
        """Start the test's server and wait until it answers. It dies at, or refuses, "name" or "name:nth"."""
        self.run(*self._test_server(die_at=die_at, refuse=refuse, allow=allow))

    def start_in_vain(self, *, die_at: str) -> None:
        """Start a server that kills itself while it takes up what an earlier one left."""
        self.spawn(*self._test_server(die_at=die_at))
        self.await_death()

    def _test_server(self, *, die_at: str, refuse: str = "", allow: tuple[str, ...] = ()) -> tuple[str, ...]:
        allowed = [word for host in allow for word in ("--allow", host)]
        told = ("--data", str(self.data), "--die-at", die_at, "--refuse", refuse, *allowed)
        return (sys.executable, str(SERVER), *told)

    def await_death(self) -> None:
        """Wait until the server has killed itself, as it was told to."""
        assert self.process.wait(START_SECONDS) == -signal.SIGKILL

    def http(self) -> httpx2.Client:
        """A client of the local door."""
        return at_socket(self.socket, timeout=60)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """The answer to one request over a connection of its own, which must be a success."""
        with self.http() as client:
            reply = client.request(method, f"/v1{path}", json=body, headers=headers)
        assert reply.status_code < 300, reply.text
        return dict(reply.json()) if reply.content else {}

    def ask_in_vain(self, method: str, path: str, body: Any = None, **headers: str) -> None:
        """Make a request during which the server dies by its own hand."""
        try:
            with self.http() as client:
                client.request(method, f"/v1{path}", json=body, headers=headers)
        except httpx2.TransportError:
            pass
        self.await_death()

    def create(self, key: str | None = None) -> str:
        """A new session's id, or an old one's if it was made under this key."""
        headers = {"Idempotency-Key": key} if key else {}
        return str(self.ask("POST", "/sessions", {}, **headers)["session_id"])

    def shell(self, session: str, command: str, call_id: str | None = None) -> str:
        """What a command in the session prints; it must succeed."""
        body = {"arguments": {"command": command, "timeout_ms": 600_000}, "call_id": call_id}
        answer = self.ask("POST", f"/sessions/{session}/tools/shell", body)
        output = answer["structured"] or {"exit_code": None}
        assert output["exit_code"] == 0, answer
        return str(output["stdout"])

    def state(self, session: str) -> str:
        """What the server says."""
        return str(self.ask("GET", f"/sessions/{session}")["state"])

    def rows(self) -> dict[str, dict[str, Any]]:
        """The rows of the store, by session."""
        found = self.table("sessions")
        return {row["id"]: row | {"sandbox": json.loads(row["sandbox"])} for row in found}

    def table(self, name: str) -> list[dict[str, Any]]:
        """All that a table of the store has."""
        with closing(sqlite3.connect(f"file:{self.data / 'cove.db'}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(f"SELECT * FROM {name}")]

    def living(self) -> dict[str, dict[str, Any]]:
        """The rows of sessions that have not ended."""
        return {session: row for session, row in self.rows().items() if row["state"] not in ENDED}

    def first_process(self, session: str) -> int:
        """The host's number of a sandbox's pid 1."""
        return int(self.rows()[session]["sandbox"]["pid"])

    def helper(self, module: str) -> list[int]:
        """The living children of the server that run `module`."""
        found = [pid for pid in children(self.process.pid) if module in command_of(pid)]
        return [pid for pid in found if is_alive(pid)]

    def launcher(self) -> int:
        """The launcher's process."""
        (pid,) = self.helper("cove.node.launcher.process")
        return pid

    def start_counting(self, session: str) -> None:
        """Let a process of the session write its pid and the next number, line by line, for ever."""
        self.shell(session, COUNTING)
        until(lambda: len(self.counted(session)) > 2, "the process counts")

    def counted(self, session: str) -> list[tuple[int, int]]:
        """The complete lines that the counting process has written, read from outside."""
        text = self.look(session, "/home/wuying/count")
        lines = (line.split() for line in text.split("\n")[:-1])
        return [(int(pid), int(number)) for pid, number in lines]

    def look(self, session: str, path: str) -> str:
        """A file of the session, read from outside; empty if it is not there."""
        file = Path(f"/proc/{self.first_process(session)}/root{path}")
        return file.read_text() if file.exists() else ""

    def assert_counts_on(self, session: str, before: list[tuple[int, int]]) -> None:
        """The same process goes on from its next number."""
        until(lambda: len(self.counted(session)) > len(before) + 2, "the process counts on")
        counted = self.counted(session)
        assert {pid for pid, _ in counted} == {before[0][0]}
        assert [number for _, number in counted] == list(range(1, len(counted) + 1))

    def assert_truth(self) -> None:
        """What is on the machine is what the rows say, and every session that lives is of use."""
        until_none(self.untruths)
        for session, row in self.living().items():
            if row["state"] == "RUNNING":
                assert self.shell(session, "echo of use") == "of use\n"
            else:
                before = self.counted(session)
                self.ask("POST", f"/sessions/{session}/resume?wait=true")
                assert self.shell(session, "echo of use") == "of use\n"
                self.ask("POST", f"/sessions/{session}/pause?wait=true")
                assert self.counted(session)[: len(before)] == before

    def untruths(self) -> list[str]:
        """Where rows and machine disagree."""
        rows, living, world = self.rows(), set(self.living()), self.world
        disks = sorted(str(self.data.resolve() / "sandboxes" / session / "disk.img") for session in living)
        expected: list[tuple[str, Any, Any]] = [
            ("transient rows", [row["state"] for row in rows.values() if row["state"] in TRANSIENT], []),
            ("directories", world.directories(), living),
            ("loop devices", world.loops(), disks),
            ("mounts", world.mounts([os.getpid(), self.process.pid]), []),
            ("sessions of processes", set(world.processes().values()), living),
            ("launchers", len(self.helper("cove.node.launcher.process")) > 1, False),
            *((f"groups of {root}", found, living) for root, found in world.groups().items()),
            *((f"pid 1 of {session}", world.group_of(self.first_process(session)), session) for session in living),
        ]
        return [f"{what}: {found}, and not {wanted}" for what, found, wanted in expected if found != wanted]

    def assert_nothing_left(self) -> None:
        """No session lives, and the machine shows no trace of any."""
        assert self.living() == {}
        until_none(self.left)

    def end_all(self) -> None:
        """Delete every session, stop the server, and see that nothing is left."""
        self.delete_sessions()
        self.stop()
        self.assert_nothing_left()
