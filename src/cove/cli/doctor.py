"""`cove doctor`: what this machine gives, what is missing, and the one command that unlocks it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cove.cli.screen import Json, busy, is_watched, show_json

if TYPE_CHECKING:
    from cove.node.differences import Difference
    from cove.node.probes import Finding


def doctor(
    data: Annotated[Path | None, typer.Option(help="The data directory to ask about.")] = None,
    as_json: Json = False,
) -> None:
    """Try what a Cove needs from this machine.

    Exit code 1 if something that is required is missing.
    """
    import sys

    if sys.platform != "linux":
        from cove.core.errors import NotSupported

        raise NotSupported(
            what="`cove up`", reason="sandboxes need Linux; this machine can be a client of a Cove on one"
        )
    from cove.app.settings import settings_from
    from cove.node.differences import own_differences
    from cove.node.probes import probe_all

    with busy("asking the machine"):
        findings = probe_all(settings_from({"data": data}).data)
    is_able = all(finding.ok for finding in findings if finding.required)
    if as_json:
        show_json({"able": is_able, "findings": findings, "differences": own_differences()})
    else:
        _show(findings, is_able)
        _show_differences(own_differences())
    raise typer.Exit(0 if is_able else 1)


def _show(findings: "list[Finding]", is_able: bool) -> None:
    from rich.console import Console

    console = Console(no_color=not is_watched(), highlight=False, soft_wrap=True)
    for finding in findings:
        mark, style = _mark(finding)
        console.print(f"{mark} {finding.name:<16}", style=style, end=" ")
        console.print(finding.found, markup=False)
        if not finding.ok:
            console.print(f"    for {finding.gives}", markup=False, style="dim")
            console.print(f"    unlock it: {finding.unlock}", markup=False)
    console.print("\nThis machine can run `cove up`." if is_able else "\nThis machine cannot run `cove up` yet.")


def _show_differences(found: "list[Difference]") -> None:
    if not found:
        return
    print("Its sessions differ from those that root's `cove up` makes:")
    for difference in found:
        print(f"  - {difference.sentence}")
        print(f"    unlock it: {difference.unlock}")


def _mark(finding: "Finding") -> tuple[str, str]:
    if finding.ok:
        return "ok     ", "green"
    return ("missing", "red") if finding.required else ("without", "yellow")
