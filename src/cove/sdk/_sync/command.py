"""Shell commands in a session."""

# Generated from _async/command.py by dev/generate.py: change that, then run `python dev/generate.py`.

from cove.core.errors import ToolFailed
from cove.core.results import CommandOutput
from cove.sdk._sync.calls import ToolCalls
from cove.sdk._wire.messages import Answer
from cove.sdk._wire.sessions import positive
from cove.sdk.results import CommandResult


class Command:
    """Runs shell commands."""

    def __init__(self, calls: ToolCalls) -> None:
        self._calls = calls

    def execute_command(
        self,
        command: str,
        timeout_ms: int = 50000,
        cwd: str | None = None,
        envs: dict[str, str] | None = None,
        *,
        user: str | None = None,
        stdin: str | None = None,
    ) -> CommandResult:
        """Run a command with `bash -c` and wait until its shell ends; what it left in the background runs on.

        `timeout_ms` bounds its running time: then its whole process group is killed and the result has no exit code.
        `cwd` is the home by default, `envs` are set for this command only, `user` is `wuying` or `root`,
        `stdin` is text. An exit code other than 0 is `success=False`.
        """
        positive("timeout_ms", timeout_ms)
        arguments = {
            "command": command,
            "timeout_ms": timeout_ms,
            "cwd": cwd,
            "envs": envs,
            "user": user,
            "stdin": stdin,
        }
        return command_result(self._calls.typed("shell", arguments, CommandOutput))

    run = execute_command
    exec = execute_command


def command_result(answer: Answer[CommandOutput]) -> CommandResult:
    """A command's result."""
    if answer.error is not None:
        return CommandResult(**answer.facts(), trace_id=answer.request_id)
    ended = answer.get()
    if ended.exit_code != 0:
        reason = ended.stderr.strip() or f"the command ended with exit code {ended.exit_code}"
        answer = answer.refuse(ToolFailed(message=reason, code="CommandFailed"))
    return CommandResult(
        **answer.facts(),
        output=ended.stdout + ended.stderr,
        stdout=ended.stdout,
        stderr=ended.stderr,
        exit_code=ended.exit_code,
        truncated=ended.truncated,
        trace_id=answer.request_id,
    )
