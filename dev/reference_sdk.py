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

**When something fails.** No valid answer (nothing there, no answer in time, an answer that is none of Cove's), or an
argument that no server would take: every method raises, see [errors](errors.md). The service refused: the table says
what each method does; `.unwrap()` on a result raises the refusal.
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
    """What a refusal by the service becomes."""
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
        rows = [(signature(each, method), sentence(method), refusal(method)) for each, method in methods(cls)]
        parts.append(f"\n## {name}\n\n{sentence(cls)}\n\n{table(('method', '', 'refused'), rows)}")
        if aliases(cls):
            parts.append(f"\n{', '.join(aliases(cls))}.\n")
    return "".join(parts)
