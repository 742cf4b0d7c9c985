"""The shell family: commands."""

from typing import Annotated

from msgspec import Meta

from cove.core.results import CommandOutput
from cove.guest.commands import Command, run_command, shell_path
from cove.guest.failures import failed
from cove.guest.run import Run
from cove.guest.settings import User
from cove.guest.toolkit import tool
from cove.guest.variables import check_variables, environment


@tool(server="wuying_shell", example={"command": "echo hello"})
def shell(  # noqa: PLR0913 - the arguments are the wire's
    run: Run,
    *,
    command: Annotated[str, Meta(description="a script for bash, or sh where there is no bash; may have many lines")],
    timeout_ms: Annotated[int, Meta(ge=1, le=86_400_000, description="milliseconds of running time")] = 50_000,
    cwd: Annotated[str | None, Meta(description="the directory to start in; the home directory by default")] = None,
    envs: Annotated[dict[str, str] | None, Meta(description="variables for this command alone")] = None,
    user: Annotated[User, Meta(description="whose rights the command has")] = "wuying",
    stdin: Annotated[str | None, Meta(description="text to read; nothing by default")] = None,
) -> CommandOutput:
    """Run a shell command and give what it printed and its exit code.

    The call ends when the shell ends: what it left in the background runs on, and its further output is dropped.
    At the timeout the command's whole process group is killed. Output beyond the session's limit is dropped, and
    `truncated` says so.
    """
    if not command or "\0" in command:
        raise failed("InvalidCommand", "the command must be non-empty and hold no NUL")
    check_variables(envs or {})
    program = shell_path()
    variables = environment(run.settings, user, program) | run.variables.values() | (envs or {})
    home = run.place(run.settings.home_of(user))
    if run.settings.root is not None:
        variables["HOME"] = home.real
    spec = Command(
        script=command,
        shell=program,
        user=user,
        cwd=run.place(cwd) if cwd else None,
        home=home,
        variables=variables,
        seconds=timeout_ms / 1000,
        stdin=stdin,
    )
    return run_command(run, spec)
