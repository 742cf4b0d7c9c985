"""`cove session shell`: a person's way into a session."""

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from cove.cli.screen import Json, note, show_json, show_table

if TYPE_CHECKING:
    from cove import AgentBay
    from cove.cli.bridge import Bridge
    from cove.cli.console import Console
    from cove.core.terminal import Detached, Exited, Failed, OpenTerminal


def shell(
    session: Annotated[str, typer.Argument(metavar="ID", help="The session's id, or what its label `name` says.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[COMMAND]...", help="Run this on the terminal.  [default: a shell]")
    ] = None,
    cwd: Annotated[str | None, typer.Option(help="Where it starts.  [default: the home]")] = None,
    user: Annotated[str, typer.Option(help="wuying, or root inside the sandbox.")] = "wuying",
    attach: Annotated[
        str | None, typer.Option(metavar="TERMINAL", help="Show this terminal again, and open none.")
    ] = None,
    as_json: Json = False,
) -> NoReturn:
    """Open a terminal in a session, with a shell on it or a command.

    Keys, Ctrl-C among them, go to what runs inside; `~.` at the start of a line leaves, and the terminal lives on. The
    exit code is that of the shell. `--json` tells it at the end.
    """
    from cove import AgentBay
    from cove.cli.bridge import Bridge
    from cove.cli.console import Console
    from cove.sdk._sockets import WebSocket
    from cove.sdk._wire import terminals as wire

    console = Console()
    with AgentBay() as bay:
        session_id = find_session(bay, session)
        if attach is None:
            path = wire.opening(session_id, _wish(console.size(), command, cwd, user))
        else:
            path = wire.attaching(session_id, attach)
        socket = WebSocket(bay.transport.settings, path)
        bridge = Bridge(socket, console, session_id, terminal_id=attach or "")
        try:
            last = _show(bridge, console)
        finally:
            socket.close()
    _finish(bridge, console, session_id, last, as_json)


def list_terminals(
    session: Annotated[str, typer.Argument(metavar="ID", help="The session's id, or what its label `name` says.")],
    as_json: Json = False,
) -> None:
    """List the terminals that live in a session; `cove session shell --attach TERMINAL ID` shows one again."""
    from cove import AgentBay
    from cove.sdk._wire import terminals as wire

    with AgentBay() as bay:
        found = bay.transport.ask(wire.terminals(find_session(bay, session))).get().terminals
    if as_json:
        show_json(found)
        return
    rows = [(one.terminal_id, f"{one.cols}x{one.rows}", "yes" if one.attached else "no") for one in found]
    show_table(("TERMINAL", "SIZE", "SHOWN"), rows)


def find_session(bay: "AgentBay", text: str) -> str:
    """The id of the session that is meant by its id or by its label `name`; raises SessionNotFound, InvalidInput."""
    from cove.core.errors import InvalidInput, SessionNotFound
    from cove.sdk._wire import sessions as wire

    found = bay.transport.ask(wire.view(text))
    if not isinstance(found.error, SessionNotFound):
        return found.get().session_id
    named = bay.transport.ask(wire.page(labels={"name": text}, status=None, image_id=None, limit=10)).get().sessions
    if not named:
        raise found.error
    if len(named) > 1:
        ids = ", ".join(view.session_id for view in named)
        raise InvalidInput(name="ID", value=text, remedy=f"several sessions have this name: {ids}")
    return named[0].session_id


def _joined(command: list[str] | None) -> str | None:
    import shlex

    words = (command or [])[1:] if command and command[0] == "--" else (command or [])
    if not words:
        return None
    return words[0] if len(words) == 1 else shlex.join(words)


def _wish(size: tuple[int, int], command: list[str] | None, cwd: str | None, user: str) -> "OpenTerminal":
    import msgspec

    from cove.cli.settings import terminal_variables
    from cove.core.errors import InvalidInput
    from cove.core.terminal import OpenTerminal

    facts = {"cwd": cwd, "user": user, "command": _joined(command), "envs": terminal_variables()}
    try:
        return msgspec.convert({"cols": size[0], "rows": size[1], **facts}, OpenTerminal)
    except msgspec.ValidationError as error:
        raise InvalidInput(name="terminal", value=user, remedy=str(error)) from error


def _show(bridge: "Bridge", console: "Console") -> "Exited | Detached | Failed | None":
    from cove.core.errors import ConnectionLost, CoveError
    from cove.core.terminal import Exited

    is_ended = False
    with console:
        try:
            last = bridge.run()
            is_ended = isinstance(last, Exited)
            return last
        except ConnectionLost as error:
            again = f"what runs in the terminal runs on, and {bridge.again} shows it again"
            raise CoveError(reason=f"the connection to {error.facts['endpoint']} is lost; {again}") from None
        finally:
            if not is_ended:
                console.put_right()


def _finish(
    bridge: "Bridge", console: "Console", session_id: str, last: "Exited | Detached | Failed | None", as_json: bool
) -> NoReturn:
    from cove.core.errors import CoveError
    from cove.core.terminal import Detached, Exited, Failed

    code = 0
    if isinstance(last, Failed):
        raise CoveError(reason=last.message)
    if isinstance(last, Detached):
        raise CoveError(reason="the terminal is shown elsewhere now")
    if isinstance(last, Exited):
        code = last.exit_code if last.exit_code >= 0 else 128 - last.exit_code
    elif console.ended_by:
        code = 128 + console.ended_by
    else:
        note(f"left; the terminal lives on, and {bridge.again} shows it again")
    if as_json:
        show_json({"session_id": session_id, "terminal_id": bridge.terminal_id, "exit_code": code})
    raise typer.Exit(code)
