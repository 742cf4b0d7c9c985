"""`cove net`: what a session may reach, and what it did."""

from typing import TYPE_CHECKING, Annotated

import typer

from cove.cli.screen import Json, note, show_facts, show_json, show_table, size

if TYPE_CHECKING:
    from cove.core.network import Connection, NetworkPolicy

Id = Annotated[str, typer.Argument(metavar="ID", help="The session's id.")]
Entries = Annotated[list[str] | None, typer.Option(metavar="ENTRY", help="Repeatable.")]
_LOOK_SECONDS = 0.5


def show(session_id: Id, as_json: Json = False) -> None:
    """Show what a session may reach."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        policy = Session(bay, session_id).network.get().unwrap()
    _show(policy, as_json)


def set_policy(
    session_id: Id,
    mode: Annotated[str, typer.Argument(help="open: all that is public; none; rules: what --allow names.")],
    allow: Entries = None,
    deny: Entries = None,
    as_json: Json = False,
) -> None:
    """Change what a session may reach, while it runs. Open connections that it may not have any more are cut.

    An ENTRY is a host, *.DOMAIN, an address or a network, alone or with :PORT or :PORT-PORT.
    """
    from cove import AgentBay, Session

    wanted = {"mode": mode, "allow": allow or [], "deny": deny or []}
    with AgentBay() as bay:
        policy = Session(bay, session_id).network.set(wanted).unwrap()
    _show(policy, as_json)


def _show(policy: "NetworkPolicy", as_json: bool) -> None:
    if as_json:
        show_json(policy)
        return
    lists = {"allow": policy.allow, "deny": policy.deny}
    show_facts({"network": policy.mode, **{name: ", ".join(entries) for name, entries in lists.items() if entries}})


def log(
    session_id: Id,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=200, help="How many of the last.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what ends next.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show a session's connections as they ended: where to, what was decided, how many bytes.

    A refused question for a name shows as port 53.
    """
    import time

    from cove import AgentBay, Session

    with AgentBay() as bay:
        network = Session(bay, session_id).network
        found = network.log(-lines)
        _show_lines(found.unwrap(), as_json, is_first=True)
        while follow:
            time.sleep(_LOOK_SECONDS)
            found = network.log(found.after)
            _show_lines(found.unwrap(), as_json, is_first=False)


def _show_lines(found: "list[Connection]", as_json: bool, *, is_first: bool) -> None:
    import msgspec

    if as_json:
        for line in found:
            print(msgspec.json.encode(line).decode(), flush=True)
    elif is_first and not found:
        note("no connection has ended yet")
    elif found:
        columns = ("TIME (UTC)", "VERDICT", "WHERE", "RECEIVED", "SENT", "WHY")
        show_table(columns, [_row(line) for line in found])


def _row(line: "Connection") -> tuple[str, ...]:
    import datetime

    moment = datetime.datetime.fromtimestamp(line.time, datetime.UTC).strftime("%H:%M:%S")
    where = f"{line.host}:{line.port}"
    return (moment, line.verdict, where, size(line.rx_bytes), size(line.tx_bytes), line.reason)
