"""The reference page of the Python client, with what each method does when the service refuses."""

import inspect
from collections.abc import Callable, Iterator

from cove import AGB, AGBSession, AgentBay, Session
from cove.sdk._sync.command import Command
from cove.sdk._sync.env import Env
from cove.sdk._sync.file_system import FileSystem
from reference_tables import sentence, table

CLASSES: tuple[tuple[str, type], ...] = (
    ("AgentBay", AgentBay),
    ("Session", Session),
    ("session.command", Command),
    ("session.file_system", FileSystem),
    ("session.env", Env),
    ("AGB", AGB),
    ("AGBSession", AGBSession),
)

INTRO = """# Python client

Each class has an async twin with the same names: `AsyncAgentBay`, `AsyncSession`, `AsyncAGB`, `AsyncAGBSession`.
What a method does when something fails: [failures](failures.md).
"""
FAILURES = """# Failures

A client must tell two things apart: *no* as an answer, and no answer.

| what happened | what every method does |
| --- | --- |
| an argument that no server would take | raises `InvalidInput` or a child of it, before anything is sent |
| nothing answers, or not in time, or not as a Cove does | raises a child of `TransportFailed` |
| the service, or a tool, says no | what the tables below say |

A result with `success=False` has the sentence in `error_message`, the error's name in `code` and the error itself in
`cause`; `.unwrap()` raises it. A command's exit code other than 0 is `success=False` too, with the `exit_code`.
The errors: [errors](errors.md).
"""


def methods(cls: type) -> Iterator[tuple[str, Callable[..., object]]]:
    """The public methods, aliases left out."""
    for name, value in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith("_") and value.__name__ == name:
            yield name, value


def aliases(cls: type) -> list[str]:
    """Other names of the same methods."""
    found = inspect.getmembers(cls, inspect.isfunction)
    return [
        f"`{name}` is `{value.__name__}`"
        for name, value in found
        if not name.startswith("_") and value.__name__ != name
    ]


def refusal(method: Callable[..., object]) -> str:
    """What a refusal by the service becomes; empty for a method that asks nobody."""
    if "raises what refuses" in (inspect.getdoc(method) or "").lower():
        return "raises the refusal"
    if "SessionError" in (inspect.getdoc(method) or ""):
        return "raises `SessionError`"
    gives = str(inspect.signature(method).return_annotation)
    return "`success=False`" if "Result" in gives else ""


def signature(name: str, method: Callable[..., object]) -> str:
    """A method as it is called."""
    parameters = list(inspect.signature(method).parameters.values())[1:]
    shown = inspect.Signature([each.replace(annotation=inspect.Parameter.empty) for each in parameters])
    return f"`{name}{shown}`"


def client_page() -> str:
    """Every class and method of the client."""
    parts = [INTRO]
    for name, cls in CLASSES:
        rows = [(signature(each, method), sentence(method)) for each, method in methods(cls)]
        parts.append(f"\n## {name}\n\n{sentence(cls)}\n\n{table(('method', ''), rows)}")
        if aliases(cls):
            parts.append(f"\n{', '.join(aliases(cls))}.\n")
    return "".join(parts)


def failures_page() -> str:
    """For every method that asks the service: what a refusal becomes."""
    parts = [FAILURES]
    for name, cls in CLASSES:
        rows = [(f"`{each}`", refusal(method)) for each, method in methods(cls) if refusal(method)]
        parts.append(f"\n## {name}\n\n{table(('method', 'refused'), rows)}")
    return "".join(parts)
