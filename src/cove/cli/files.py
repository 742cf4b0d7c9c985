"""`cove session files`: the files of a session."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from cove.cli.screen import Json, show_json, show_table, size
from cove.cli.sessions import Id

if TYPE_CHECKING:
    from cove.sdk.results import BoolResult

Inside = Annotated[str, typer.Argument(metavar="PATH", help="A path in the session.")]
_PIECE = 4 * 1024 * 1024
"""Bytes sent in one request."""


def ls(session_id: Id, path: Inside = ".", as_json: Json = False) -> None:
    """List a directory."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        entries = Session(bay, session_id).file_system.list_directory(path).unwrap()
    if as_json:
        show_json(entries)
        return
    rows = [(f"{e.name}/" if e.is_directory else e.name, "" if e.is_directory else size(e.size)) for e in entries]
    show_table(("NAME", "SIZE"), rows, right=("SIZE",))


def get(
    session_id: Id,
    path: Inside,
    target: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="A file here.  [default: stdout]")] = None,
    as_json: Json = False,
) -> None:
    """Copy a file out of a session."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        content = Session(bay, session_id).file_system.read_file(path, format="bytes").unwrap()
    if target is None and not as_json:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    if target is not None:
        _write_here(target, content)
    if as_json:
        import base64

        told = (
            {"file": str(target)} if target else {"content": base64.b64encode(content).decode(), "encoding": "base64"}
        )
        show_json({"path": path, "size": len(content), **told})


def _write_here(target: Path, content: bytes) -> None:
    try:
        target.write_bytes(content)
    except OSError as error:
        raise _not_here(target, error) from error


def _not_here(path: Path, error: OSError) -> Exception:
    from cove.core.errors import InvalidInput

    return InvalidInput(name="FILE", value=str(path), remedy=error.strerror or str(error))


def put(
    session_id: Id,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="A file here, or - for stdin.")],
    path: Inside,
    as_json: Json = False,
) -> None:
    """Copy a file into a session, over what is there."""
    try:
        if str(source) == "-":
            count = _send(session_id, sys.stdin.buffer, path)
        else:
            with source.open("rb") as file:
                count = _send(session_id, file, path)
    except OSError as error:
        raise _not_here(source, error) from error
    if as_json:
        show_json({"path": path, "size": count})


def _send(session_id: str, file: BinaryIO, path: str) -> int:
    """In pieces, the first over what is there and the others behind it; how many bytes there were."""
    from cove import AgentBay, Session

    count = 0
    with AgentBay() as bay:
        files = Session(bay, session_id).file_system
        while (piece := file.read(_PIECE)) or not count:
            files.write_file(path, piece, "append" if count else "overwrite").unwrap()
            count += len(piece)
            if not piece:
                break
    return count


def rm(session_id: Id, path: Inside, as_json: Json = False) -> None:
    """Delete a file, or a directory with all that is in it."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        _done(Session(bay, session_id).file_system.delete_file(path), as_json, path=path)


def mkdir(session_id: Id, path: Inside, as_json: Json = False) -> None:
    """Make a directory, with those above it."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        _done(Session(bay, session_id).file_system.create_directory(path), as_json, path=path)


def mv(
    session_id: Id,
    source: Inside,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Its new path in the session.")],
    as_json: Json = False,
) -> None:
    """Move or rename."""
    from cove import AgentBay, Session

    with AgentBay() as bay:
        _done(Session(bay, session_id).file_system.move_file(source, target), as_json, path=target)


def _done(result: "BoolResult", as_json: bool, **facts: str) -> None:
    result.unwrap()
    if as_json:
        show_json(facts)
