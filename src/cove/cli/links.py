"""`cove session link`, `links` and `unlink`: addresses into a session, made, listed, taken back."""

from typing import TYPE_CHECKING, Annotated

import typer

from cove.cli.screen import Json, age, is_watched, note, show_json, show_table
from cove.cli.sessions import Id

if TYPE_CHECKING:
    from cove.core.api import LinkView


def link(
    session_id: Id,
    port: Annotated[str, typer.Argument(metavar="PORT", help="Where a program inside listens, from 30100 to 30199.")],
    protocol: Annotated[str, typer.Option(help="https for pages and requests, wss for WebSockets.")] = "https",
    expires: Annotated[float | None, typer.Option(help="Seconds until it opens nothing more.")] = None,
    as_json: Json = False,
) -> None:
    """Print an address that opens what listens on a session's port. Whoever has it needs no key."""
    from cove import AgentBay
    from cove.sdk._wire import links as wire

    wanted = int(port) if port.lstrip("-").isdecimal() else port  # what is no number, the server says it best
    with AgentBay() as bay:
        made = bay.transport.ask(wire.create(session_id, protocol, wanted, None, expires)).get()
    if as_json:
        show_json(made)
    else:
        print(made.url)


def list_links(session_id: Id, as_json: Json = False) -> None:
    """List the links of a session that open something, oldest first."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        found = Session(bay, session_id).list_links().unwrap()
    if as_json:
        show_json(found)
    elif not found and is_watched():
        note(f"no link yet; `cove session link {session_id} 30100` makes one")
    else:
        show_table(("LINK", "PORT", "PROTOCOL", "EXPIRES IN", "ADDRESS"), [_row(each) for each in found])


def _row(link: "LinkView") -> tuple[str, ...]:
    import time

    left = "-" if link.expires_at is None else age(link.expires_at - time.time())
    return (link.link_id, str(link.port), link.protocol, left, link.url)


def unlink(
    session_id: Id,
    link_ids: Annotated[list[str] | None, typer.Argument(metavar="LINK", help="As `links` shows them.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every link, and the session's own token.")] = False,
    as_json: Json = False,
) -> None:
    """Take links back, at once and for good: what is open through them is cut."""
    from cove import AgentBay, Session

    if bool(link_ids) == every:
        raise typer.BadParameter("name links, or say --all")
    wanted: list[str | None] = [*link_ids] if link_ids else [None]
    with AgentBay() as bay:
        session = Session(bay, session_id)
        count = sum(session.revoke_link(each).unwrap() for each in wanted)
    if as_json:
        show_json({"session_id": session_id, "revoked": count})
    else:
        print(f"{count} revoked")
