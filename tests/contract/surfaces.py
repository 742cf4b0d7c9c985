"""What the page of the official clients says of their methods, and what the methods themselves say."""

import json
import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.contract.clients import AGB, AGENTBAY, Client
from tests.contract.far import environment_of
from tests.contract.installing import python_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "official-clients.md"
SURFACE = Path(__file__).parent / "inside" / "surface.py"
IN_CLIENT = "in the client alone"
CLIENTS = {"agentbay": next(client for client in AGENTBAY[::-1] if not client.is_async), "agb": AGB[-1]}
"""The release that the page is about, by the name of its stage."""
SECONDS = 900


class Promise(NamedTuple):
    """A line of the page."""

    client: str
    method: str
    verdict: str


@cache
def promises() -> tuple[Promise, ...]:
    """Every line about a method."""
    parts = {part.partition("\n")[0]: part for part in PAGE.read_text().split("\n## ")}
    return tuple(
        Promise(name, method, verdict)
        for name, client in CLIENTS.items()
        for method, verdict in re.findall(r"^\| `(\S+)` \| .* \| (.*) \|$", parts[_title(client)], re.MULTILINE)
    )


def public_methods(name: str) -> dict[str, list[str]]:
    """Those of each object of a client; the key has all names of the object."""
    return dict(_said(name, "list"))


def called(name: str, methods: list[str], url: str, key: str) -> dict[str, tuple[bool | None, str]]:
    """Whether each method worked, None where it does not tell, and all that the client showed."""
    client = CLIENTS[name]
    found = _said(name, "call", methods, **{client.endpoint_variable: url, client.key_variable: key})
    return {method: (worked, shown) for method, (worked, shown) in found.items()}


def _said(name: str, order: str, asked: Any = None, **environ: str) -> Any:
    python = python_of(CLIENTS[name])
    command = (python, str(SURFACE), order, f"stage_{name}")
    with tempfile.TemporaryDirectory(prefix="cove-contract-", dir="/tmp") as place:
        done = subprocess.run(
            command,
            input=json.dumps(asked),
            cwd=place,
            env=environment_of(python) | environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


def _title(client: Client) -> str:
    return f"{client.wheel} {client.version}"
