"""Objects of an official client that live in a process of its own, used as if they were here."""

import base64
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.contract.clients import Client
from tests.contract.installing import authority_of, python_of
from tests.environment import clean_environment

DRIVER = str(Path(__file__).parent / "inside" / "driver.py")
ANSWER_SECONDS, END_SECONDS, DEATH_SECONDS = 240.0, 10.0, 60.0


class RaisedError(Exception):
    """What the client raised: `kinds` are the names of its class and of those above, `text` what it says."""

    def __init__(self, kinds: list[str], text: str) -> None:
        super().__init__(f"{kinds[0]}: {text}")
        self.kinds, self.text = kinds, text


class Far:
    """An object over there: its attributes are looked up, set and called there."""

    def __init__(self, process: "Process", number: int, kind: str) -> None:
        self.__dict__.update(_process=process, _number=number, kind=kind)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._process.ask({"do": "get", "on": _dump(self), "name": name})

    def __setattr__(self, name: str, value: Any) -> None:
        self._process.ask({"do": "set", "on": _dump(self), "name": name, "value": _dump(value)})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._process.ask(self._call(args, kwargs))

    def at_once(self, *calls: tuple[Any, ...]) -> list[Any]:
        """The same called with each of these arguments, all at the same time."""
        return self._process.ask_all([self._call(args, {}) for args in calls])

    def has(self, name: str) -> bool:
        """Whether there is such an attribute over there."""
        try:
            getattr(self, name)
        except RaisedError:
            return False
        return True

    def __repr__(self) -> str:
        return f"<{self.kind} {self._process.ask({'do': 'show', 'on': _dump(self)})}>"

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        named = {key: _dump(item) for key, item in kwargs.items()}
        return {"do": "call", "on": _dump(self), "args": [_dump(item) for item in args], "kwargs": named}


class Process:
    """A client's own process: where its objects live, and what it prints goes."""

    def __init__(self, client: Client, **environ: str) -> None:
        self.client = client
        self._directory = tempfile.TemporaryDirectory(prefix="cove-contract-", dir="/tmp")
        self._errors = (Path(self._directory.name) / "stderr").open("w+b")
        python = python_of(client)
        ours = {"AGENTBAY_LOG_LEVEL": "WARNING"}
        self._process = subprocess.Popen(
            (python, DRIVER, "async" if client.is_async else "sync"),
            cwd=self._directory.name,
            env=environment_of(python) | ours | environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._said = b""

    def find(self, name: str) -> Any:
        """What a script would import: `name` of the client's package, or `module:name`."""
        return self.ask({"do": "find", "name": name if ":" in name else f"{self.client.package}:{name}"})

    def make_list(self) -> Far:
        """A list over there, which stays there: its `extend` is a callback, and its `copy` tells what has come."""
        made: Far = self.ask({"do": "make", "on": _dump(self.find("builtins:list"))})
        return made

    def ask(self, request: dict[str, Any]) -> Any:
        """What came of it; raises RaisedError."""
        return self.ask_all([request])[0]

    def ask_all(self, requests: list[dict[str, Any]]) -> list[Any]:
        """What came of each, all begun at once; raises the first RaisedError."""
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(json.dumps(requests).encode() + b"\n")
        pipe.flush()
        return [self._load(found) for found in json.loads(self._line())]

    def close(self) -> None:
        """End it, as a script ends."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:  # threads of a client's own
            self._process.kill()
            self._process.wait(DEATH_SECONDS)
        self._process.stdout.close()
        self._errors.close()
        self._directory.cleanup()

    def errors(self) -> str:
        """What it has written to stderr, and to stdout, lately."""
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace")[-4000:]

    def _line(self) -> bytes:
        pipe, end = self._process.stdout, time.monotonic() + ANSWER_SECONDS
        assert pipe is not None
        while b"\n" not in self._said:
            ready, _, _ = select.select([pipe], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(pipe.fileno(), 1 << 20) if ready else b""
            if not piece:
                self._process.kill()
                raise AssertionError(f"{self.client.id} has not answered:\n{self.errors()}")
            self._said += piece
        line, _, self._said = self._said.partition(b"\n")
        return line

    def _load(self, found: dict[str, Any]) -> Any:
        if "raised" in found:
            raise RaisedError(found["raised"], found["text"])
        return self._value(found["value"])

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return Far(self, value["$ref"], value["type"])
        if "$bytes" in value:
            return base64.b64decode(value["$bytes"])
        return {self._value(key): self._value(item) for key, item in value["$dict"]}


def _dump(value: Any) -> Any:
    if isinstance(value, Far):
        return {"$ref": value._number}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {"$dict": [[_dump(key), _dump(item)] for key, item in value.items()]}
    return [_dump(item) for item in value] if isinstance(value, (list, tuple)) else value


def environment_of(python: str) -> dict[str, str]:
    """A client's own, without a proxy: AgentBay's client would take one even for this machine."""
    ours = {name: value for name, value in clean_environment().items() if not name.lower().endswith("_proxy")}
    kept = {name: value for name, value in ours.items() if not name.startswith(("AGENTBAY_", "AGB_"))}
    return kept | {"SSL_CERT_FILE": authority_of(python)}
