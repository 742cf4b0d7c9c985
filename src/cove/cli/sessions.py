"""`cove session`: make sessions, use them, end them."""

from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cove.cli.screen import Json, age, busy, is_watched, note, show_facts, show_json, show_table, size

if TYPE_CHECKING:
    from cove import AgentBay
    from cove.core.api import SessionPage, SessionView

Id = Annotated[str, typer.Argument(metavar="ID", help="The session's id.")]
Labels = Annotated[list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Repeatable.")]
_MOST = 100


def list_sessions(
    label: Labels = None,
    status: Annotated[str | None, typer.Option(help="Only those in this state, such as RUNNING.")] = None,
    image: Annotated[str | None, typer.Option(help="Only those of this image.")] = None,
    page: Annotated[int, typer.Option(min=1)] = 1,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="Sessions on a page.")] = _MOST,
    as_json: Json = False,
) -> None:
    """List the sessions that live, newest first."""
    from cove import AgentBay
    from cove.cli.pairs import read_pairs

    with AgentBay() as bay:
        found = _page(bay, read_pairs("--label", label) or None, page, limit=limit, status=status, image_id=image)
    if as_json:
        show_json(found)
        return
    if not found.sessions and is_watched():
        note("no such session" if label or status or image else "no session yet; `cove session create` makes one")
        return
    show_table(("ID", "STATE", "IMAGE", "AGE", "LABELS"), [_row(view) for view in found.sessions], right=("AGE",))
    if found.next_cursor:
        note(f"{found.total} sessions in all; --page {page + 1} shows the next")


def _page(bay: "AgentBay", labels: dict[str, str] | None, page: int, **filters: Any) -> "SessionPage":
    from cove.sdk._wire import sessions as wire

    request = wire.page(labels=labels, **filters)
    found = bay.transport.ask(request).get()
    for _ in range(page - 1):
        found = bay.transport.ask(wire.next_page(request, found.next_cursor)).get()
    return found


def _row(view: "SessionView") -> tuple[str, ...]:
    import time

    labels = " ".join(f"{name}={value}" for name, value in view.labels.items())
    return (view.session_id, view.state, view.image_id, age(time.time() - view.created_at), labels)


def create(  # noqa: PLR0913, PLR0917 - an option for each thing that can be wished for
    image: Annotated[str | None, typer.Option(help="The image.  [default: linux_latest]")] = None,
    label: Labels = None,
    idle: Annotated[float | None, typer.Option(help="Seconds without use until it is paused.")] = None,
    on_idle: Annotated[str | None, typer.Option(help="pause, or release: delete it then.  [default: pause]")] = None,
    lifetime: Annotated[float | None, typer.Option(help="Seconds until it ends in any case.")] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=AMOUNT", help="memory_bytes, cpus, pids, disk_bytes or output_bytes. Repeatable."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="What it reaches: open, none, or rules.  [default: this Cove's own]")
    ] = None,
    allow: Annotated[
        list[str] | None, typer.Option(metavar="ENTRY", help="With rules: a host, an address, a network. Repeatable.")
    ] = None,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Give the oldest that has these labels, if there is one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a session and print its id."""
    from cove import AgentBay, CreateSessionParams
    from cove.cli.pairs import read_amounts, read_pairs

    wanted = CreateSessionParams(
        image_id=image,
        labels=read_pairs("--label", label) or None,
        idle_release_timeout=idle,
        max_lifetime=lifetime,
        limits=read_amounts("--limit", limit) or None,
        on_idle=on_idle,
        network={"mode": network or "rules", "allow": allow or []} if network or allow else None,
    )
    with AgentBay() as bay, busy("making a session"):
        session = (bay.get_or_create(wanted) if reuse else bay.create(wanted)).unwrap()
        view = session.info().data.view if as_json else None
    if as_json:
        show_json(view)
    else:
        print(session.session_id)


def show(session_id: Id, as_json: Json = False) -> None:
    """Show a session: its state, labels, limits, and what it uses."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        session = Session(bay, session_id)
        view = session.info().data.view
        metrics = session.get_metrics().metrics
    if as_json:
        show_json({"session": view, "metrics": metrics})
        return
    facts = dict(zip(("id", "state", "image", "age", "labels"), _row(view), strict=True))
    if view.image_fingerprint:
        facts["made from"] = view.image_fingerprint
    if metrics is not None:
        facts |= {
            "cpu": f"{metrics.cpu_used_pct:.1f} % of {metrics.cpu_count:g}",
            "memory": f"{size(metrics.mem_used)} of {size(metrics.mem_total)}",
            "disk": f"{size(metrics.disk_used)} of {size(metrics.disk_total)}",
            "processes": f"{metrics.processes} of {view.limits['pids']}",
            "received": f"{size(metrics.rx_used_kbyte * 1024)}, {size(metrics.rx_rate_kbyte_per_s * 1024)}/s",
            "sent": f"{size(metrics.tx_used_kbyte * 1024)}, {size(metrics.tx_rate_kbyte_per_s * 1024)}/s",
        }
    show_facts(facts | _life(view))


def _life(view: "SessionView") -> dict[str, str]:
    """How long it lives, or why it does not."""
    import time

    if view.end_reason:
        return {"ended": f"{view.end_reason}, {age(time.time() - (view.ended_at or 0))} ago"}
    left = view.created_at + view.max_lifetime - time.time()
    return {"idle timeout": f"{view.idle_timeout:g} s, then {view.on_idle}", "expires in": age(left)}


def pause(session_id: Id, as_json: Json = False) -> None:
    """Freeze every process of a session, and wait until all stand still."""
    from cove import AgentBay, Session

    with AgentBay() as bay, busy("pausing"):
        state = Session(bay, session_id).pause().unwrap()
    _show_state(session_id, state, as_json)


def resume(session_id: Id, as_json: Json = False) -> None:
    """Let a paused session's processes go on."""
    from cove import AgentBay, Session

    with AgentBay() as bay, busy("resuming"):
        state = Session(bay, session_id).resume().unwrap()
    _show_state(session_id, state, as_json)


def _show_state(session_id: str, state: str, as_json: bool) -> None:
    if as_json:
        show_json({"session_id": session_id, "state": state})
    else:
        print(f"{session_id} is {state}")


def delete(
    session_ids: Annotated[list[str], typer.Argument(metavar="ID", help="The sessions' ids.")],
    as_json: Json = False,
) -> None:
    """End sessions, with all that is in them."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        for session_id in session_ids:
            with busy(f"deleting {session_id}"):
                Session(bay, session_id).delete().unwrap()
            if not as_json:
                print(f"{session_id} is deleted", flush=True)
    if as_json:
        show_json({"deleted": session_ids})


def execute(
    session_id: Id,
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="A program and its arguments, or one text for the shell.")
    ],
    cwd: Annotated[str | None, typer.Option(help="Where it runs.  [default: the home]")] = None,
    user: Annotated[str | None, typer.Option(help="wuying, or root inside the sandbox.  [default: wuying]")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds of running time until it is killed.")] = 50.0,
    as_json: Json = False,
) -> NoReturn:
    """Run a command in a session: its output, exit code and input are those of `cove`, and Ctrl-C ends it.

    Standard input is passed on, as text, where it is not a terminal. It prints when the command has ended: to watch one
    while it runs, use `cove session shell ID COMMAND`.
    """
    import shlex
    import signal

    from cove import AgentBay, Session
    from cove.cli.streams import input_text, show_output

    signal.signal(signal.SIGTERM, _leave)
    words = command[1:] if command[0] == "--" else command
    text = words[0] if len(words) == 1 else shlex.join(words)
    try:
        with AgentBay() as bay:
            result = Session(bay, session_id).command.execute_command(
                text,
                timeout_ms=round(timeout * 1000),
                cwd=cwd,
                user=user,
                stdin=input_text(),
            )
    except KeyboardInterrupt:  # the SDK has cancelled the call: nothing of it runs on
        raise typer.Exit(128 + signal.SIGINT) from None
    raise typer.Exit(show_output(result, as_json))


def _leave(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)
