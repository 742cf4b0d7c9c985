"""The reference page of the command line."""

from collections.abc import Iterator

import typer

from cove.cli.program import program
from reference_tables import table


def commands(command: object, path: str) -> Iterator[tuple[str, object]]:
    """Every verb with its full name, groups included."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


def verbs() -> list[tuple[str, object]]:
    """Every verb of `cove`."""
    return list(commands(typer.main.get_command(program), "cove"))


def _section(path: str, command: object) -> str:
    rows = []
    for parameter in command.params:  # type: ignore[attr-defined]  # typer's own click classes have no public name
        if parameter.param_type_name == "argument":
            rows.append((f"`{parameter.metavar or parameter.name.upper()}`", getattr(parameter, "help", None) or ""))
        elif not getattr(parameter, "hidden", False):
            rows.append((f"`{', '.join(parameter.opts)}`", parameter.help or ""))
    text = " ".join((command.help or "").split())  # type: ignore[attr-defined]
    return f"\n## `{path}`\n\n{text}\n" + (f"\n{table(('argument', ''), rows)}" if rows else "")


def command_page() -> str:
    """Every verb, with its arguments and options."""
    intro = "# Command line\n\n`--json` prints for programs what is otherwise printed for people.\n"
    return intro + "".join(_section(path, command) for path, command in verbs())
