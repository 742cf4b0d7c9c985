"""`cove up` for tests: kills itself by SIGKILL right after a durable step, and refuses what it is told to refuse."""

import argparse
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from cove.app.data import DataDir
from cove.app.local import Started, node_settings, serve
from cove.app.settings import settings_from
from cove.core.errors import SandboxFailed
from cove.core.ports import Driver
from cove.node.drivers.namespaces import NamespacesDriver


class Unwilling:
    """A driver in front of another one: fails the nth time at one operation, and passes everything else on."""

    def __init__(self, driver: Driver, operation: str, nth: int) -> None:
        self._driver = driver
        self._operation = operation
        self._left = nth

    def __getattr__(self, name: str) -> Any:
        return self._asked if name == self._operation else getattr(self._driver, name)

    async def _asked(self, *arguments: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise SandboxFailed(reason=f"told not to {self._operation}")
        return await getattr(self._driver, self._operation)(*arguments)


def dying_at(name: str, nth: int) -> Callable[[str], None]:
    """A checkpoint that ends this process the nth time that the step `name` is done."""
    left = nth

    def checkpoint(done: str) -> None:
        nonlocal left
        left -= done == name
        if done == name and left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


def _tell(started: Started) -> None:
    print(msgspec.json.encode(started).decode(), flush=True)


def main() -> None:
    """Serve until killed; the first line of output says that it answers."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--allow", action="append", default=[])
    parser.add_argument("--die-at", default="nowhere:1", metavar="STEP:NTH")
    parser.add_argument("--refuse", default="nothing:1", metavar="OPERATION:NTH")
    given = parser.parse_args()
    settings = settings_from({"data": given.data, "port": 0, "allow": tuple(given.allow)})
    data = DataDir(Path(given.data))
    data.prepare()
    node = node_settings(settings, data)
    driver = Unwilling(NamespacesDriver(node), *_nth(given.refuse))
    serve(settings, driver=driver, checkpoint=dying_at(*_nth(given.die_at)), on_started=_tell)


def _nth(text: str) -> tuple[str, int]:
    name, _, number = text.partition(":")
    return name, int(number or 1)


if __name__ == "__main__":
    main()
