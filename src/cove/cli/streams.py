"""What passes between this process's standard streams and a command in a session."""

import sys
from typing import TYPE_CHECKING

from cove.cli.screen import note, show_json
from cove.core.errors import InvalidInput

if TYPE_CHECKING:
    from cove.sdk.results import CommandResult

LARGEST_INPUT = 16 * 1024 * 1024
"""Bytes of standard input that a command is given at most: they travel in one request."""


def input_text() -> str | None:
    """Standard input, whole; None for a terminal. Raises InvalidInput if it is too long, or no text."""
    if sys.stdin is None or sys.stdin.isatty():
        return None
    data = sys.stdin.buffer.read(LARGEST_INPUT + 1)
    if len(data) > LARGEST_INPUT:
        remedy = f"at most {LARGEST_INPUT} bytes are passed on; `cove session files put` takes more"
        raise InvalidInput(name="standard input", value="…", remedy=remedy)
    try:
        return data.decode() or None
    except UnicodeDecodeError as error:
        remedy = "only UTF-8 text is passed on; `cove session files put` takes any bytes"
        raise InvalidInput(name="standard input", value="…", remedy=remedy) from error


def show_output(result: "CommandResult", as_json: bool) -> int:
    """Print what a command printed; its exit code. Raises what kept it from ending."""
    if result.exit_code is None:
        result.unwrap()
        return 1
    if as_json:
        names = ("stdout", "stderr", "exit_code", "truncated", "request_id")
        show_json({name: getattr(result, name) for name in names})
        return result.exit_code
    sys.stdout.write(result.stdout)
    sys.stdout.flush()
    sys.stderr.write(result.stderr)
    sys.stderr.flush()
    if result.truncated:
        note("more was printed than the session's output_bytes; the rest is lost")
    return result.exit_code
