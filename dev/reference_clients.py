"""The reference page of the official clients: every action, endpoint and method, and what Cove does with it."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cove.compat.agentbay.requests import pascal
from cove.compat.operations import ACTIONS, OPERATIONS, Operation
from cove.compat.operations.known_tools import LACKING
from cove.guest.tools import catalogue
from reference_tables import table

METHODS = Path(__file__).with_name("client_methods.toml")
WORKS, IN_CLIENT, CHANGES_NOTHING = "works", "in the client alone", "changes nothing"
_KINDS = {"nothing": "capability"}
_TOOLS = frozenset(tool.name for tool in catalogue())


class Method(NamedTuple):
    """One method of a client: where it is, what it comes down to, and what Cove does."""

    group: str
    name: str
    needs: str
    verdict: str


def clients_page() -> str:
    """Every action and method."""
    clients = tomllib.loads(METHODS.read_text())
    parts = [_INTRO, _actions(), _parameters()]
    for client in clients.values():
        methods = list(_methods(client["methods"]))
        rows = [(f"`{each.group}.{each.name}`", each.needs, each.verdict) for each in methods]
        count = _counted([each.verdict for each in methods], "methods")
        parts.append(f"\n## {client['title']}\n\n{count}\n\n{table(('method', 'comes down to', ''), rows)}")
    return "".join(parts)


_INTRO = """# Official clients

What Cove does with everything that the clients of AgentBay and AGB can ask for. What is *refused* is answered with an
error that the client shows as it is, and that names the capability which this version has not built. What *changes
nothing* needs that capability, too, and looks at no answer.
"""


def _actions() -> str:
    rows = [
        (f"`{each.action}`", "<br>".join(f"`{name}`" for name in each.agb), each.summary, _verdict(each))
        for each in OPERATIONS
    ]
    count = _counted([_verdict(each) for each in OPERATIONS], "actions")
    endpoints = sum(len(each.agb) for each in OPERATIONS)
    head = ("AgentBay's action", "AGB's endpoints", "", "")
    return f"\n## Actions\n\n{count} AGB has {endpoints} endpoints for them.\n\n{table(head, rows)}"


def _parameters() -> str:
    rows = [
        (f"`{each.action}`", f"`{pascal(name)}`", verdict)
        for each in OPERATIONS
        for name, verdict in (
            *((name, f"refused: {capability}") for name, capability in each.refuses.items()),
            *((name, f"ignored: {reason}") for name, reason in each.ignores.items()),
        )
    ]
    return f"{_ABOUT_PARAMETERS}{table(('action', 'parameter', ''), rows)}"


_ABOUT_PARAMETERS = """
## Parameters

Actions that work act on all of their parameters but on these. One that is refused may be sent where it asks for
nothing, as `False` or an empty list does.

"""


def _verdict(operation: Operation) -> str:
    return f"refused: {operation.lacks}" if operation.lacks else WORKS


def _methods(groups: dict[str, dict[str, str]]) -> Iterator[Method]:
    for group, entries in groups.items():
        for names, needs in entries.items():
            each = [need.strip().partition(" ")[::2] for need in needs.split(",")]
            verdict = _worst([_judge(kind, name) for kind, name in each])
            shown = ", ".join(f"{_KINDS.get(kind, kind)} `{name}`" if name else "" for kind, name in each)
            yield from (Method(group, name, shown, verdict) for name in names.split())


def _judge(kind: str, name: str) -> str:
    if kind == "action":
        return _verdict(ACTIONS[name])
    if kind == "tool":
        return WORKS if name in _TOOLS else f"refused: {LACKING[name]}"
    if kind == "nothing":
        return f"{CHANGES_NOTHING}: {name}"
    return IN_CLIENT if kind == "client" else f"refused: {name}"


def _worst(verdicts: list[str]) -> str:
    return next((verdict for verdict in verdicts if verdict != WORKS), WORKS)


def _counted(verdicts: list[str], things: str) -> str:
    works, client = verdicts.count(WORKS), verdicts.count(IN_CLIENT)
    refused = sum(verdict.startswith("refused") for verdict in verdicts)
    idle = len(verdicts) - works - client - refused
    alone = f", {client} are answered in the client alone" if client else ""
    nothing = f", {idle} change nothing" if idle else ""
    return f"Of {len(verdicts)} {things}, {works} work{alone}{nothing}, and {refused} are refused."
