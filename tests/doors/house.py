"""A server in a process of its own, and what can be told from outside: its log, and how much it holds."""

import json
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from tests.doors.speaking import BY_ACTION, Dialect, Line, Request, Rpc, Told
from tests.serving import IS_REAL, Server
from tests.waiting import until_none
from tests.world import parents

_KEY = re.compile(r"cove_k-[0-9a-z]+_[\w-]+")


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """What a process holds. Processes are its descendants' command lines; memory is in bytes."""

    descriptors: int
    processes: list[str]
    memory: int


class House:
    """A Cove, an operator's key, and lines to it."""

    def __init__(self) -> None:
        self.server = Server("doors")
        started = self.server.up() if IS_REAL else self.server.up_simulated()
        self.url, self.operator = started.url, started.first_key or ""
        self.line = Line(self.url)
        self._log = self.server.data / "log" / "cove.log"

    def close(self) -> None:
        """Nothing is left after this."""
        self.line.close()
        self.server.close()

    def native(self, method: str, path: str, body: Any = None, key: str = "") -> dict[str, Any]:
        """Asks the native door as an operator, or by another key."""
        headers = {"Authorization": f"Bearer {key or self.operator}", "Content-Type": "application/json"}
        content = b"" if body is None else json.dumps(body).encode()
        _, _, answer = self.line.send(Request(method=method, target=path, body=content, headers=headers))
        found: dict[str, Any] = json.loads(answer or b"{}")
        assert "error" not in found, found
        return found

    def new_key(self) -> str:
        """The key of a tenant who has nothing yet."""
        return str(self.native("POST", "/v1/keys", {"tenant": f"t-{secrets.token_hex(6)}"})["secret"])

    def ask(self, dialect: Dialect, action: str, key: str | None, **fields: Any) -> Told:
        """A wish, its fields named in snake_case."""
        return self.say(dialect, action, key, {dialect.case(name): value for name, value in fields.items()})

    def say(self, dialect: Dialect, action: str, key: str | None, fields: Mapping[str, Any]) -> Told:
        """The same with the wire's own names."""
        return dialect.read(self.line.send(dialect.request(BY_ACTION[action], key, fields)))

    def new_session(self, key: str) -> str:
        """The id of a running session of this key's tenant."""
        return str(self.ask(Rpc(), "CreateMcpSession", key).data["SessionId"])

    def log_mark(self) -> int:
        """Where the log ends now."""
        return self._log.stat().st_size

    def logged(self, since: int) -> list[dict[str, Any]]:
        """What was logged since, an event each; without a line that is being written just now."""
        with self._log.open("rb") as file:
            file.seek(since)
            return [json.loads(line) for line in file.read().split(b"\n")[:-1]]

    def footprint(self) -> Footprint:
        """What the server's process, and those below it, hold."""
        held = []
        for pid in [self.server.process.pid, *_descendants(self.server.process.pid)]:
            with suppress(FileNotFoundError, ProcessLookupError):  # it ends just now
                held.append(_held(pid))
        return Footprint(
            descriptors=sum(each.descriptors for each in held),
            processes=sorted(name for each in held for name in each.processes),
            memory=sum(each.memory for each in held),
        )

    def until_as(self, before: Footprint, seconds: float = 30.0) -> None:
        """Return once it holds no process and no descriptor beyond those of `before`; fails with what it holds."""

        def more() -> list[str]:
            after = self.footprint()
            gap = after.descriptors - before.descriptors
            return [
                *(Counter(after.processes) - Counter(before.processes)),
                *([f"{gap} descriptors"] if gap > 0 else []),
            ]

        until_none(more, seconds)

    def check_nothing_stays_of(self, work: Callable[[], object], rounds: int, drift_bytes: int) -> None:
        """Do it until it leaves nothing behind but so much memory; fails if each round does: caches warm only once."""
        told = []
        for _ in range(rounds):
            before = self.footprint()
            work()
            try:
                self.until_as(before, 10.0)
            except AssertionError as left:
                told.append(str(left))
                continue
            grown = self.footprint().memory - before.memory
            if grown < drift_bytes:
                return
            told.append(f"{grown} bytes")
        raise AssertionError(f"left behind, round by round: {told}")


def leaks(text: str, own: str = "-") -> list[str]:
    """What no caller, and no log, may be shown: tracebacks, our files, keys, but for the beginning of their own."""
    found = [word for word in ("Traceback", 'File "', "site-packages", "/src/cove") if word in text]
    return found + [key for key in _KEY.findall(text) if not own.startswith(key)]


def _descendants(pid: int) -> Iterator[int]:
    known = parents()
    ahead = [pid]
    while ahead:
        above = ahead.pop()
        found = [child for child, parent in known.items() if parent == above]
        yield from found
        ahead += found


def _held(pid: int) -> Footprint:
    """What one process holds."""
    place = Path(f"/proc/{pid}")
    anonymous = re.search(r"RssAnon:\s+(\d+) kB", (place / "status").read_text())
    return Footprint(
        descriptors=len(os.listdir(place / "fd")),
        processes=[(place / "cmdline").read_text()],
        memory=int(anonymous[1]) * 1024 if anonymous else 0,
    )
