"""One command: started as its user, its output read within bounds, ended with its shell or by a deadline."""

import fcntl
import os
import select

import msgspec

from cove.core.errors import ToolFailed
from cove.core.frames import MAX_FRAME
from cove.core.results import CommandOutput
from cove.guest.answers import MAX_ANSWER
from cove.guest.children import Child, Deadline, become, fork, restore_signals
from cove.guest.failures import failed, failed_by
from cove.guest.places import Place
from cove.guest.run import Run
from cove.guest.settings import User

_READ = 256 * 1024
_LONGEST_ARGUMENT = 120_000
"""Bytes; a longer script goes in through a file, since the kernel takes at most 128 KiB as one argument."""
_SHELLS = ("/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh")


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, as whom, and for how many seconds of running time.

    It starts in `cwd`, else at home, else (a root file system of its own may have no home for root) in "/".
    """

    script: str
    shell: str
    user: User
    cwd: Place | None
    home: Place
    variables: dict[str, str]
    seconds: float
    stdin: str | None = None


class Output:
    """The read end of a command's stdout or stderr, kept up to `limit` bytes; the rest is read and dropped."""

    def __init__(self, fd: int, limit: int) -> None:
        self.fd = fd
        self.is_open = True
        self.is_truncated = False
        self._limit = limit
        self._kept = bytearray()
        os.set_blocking(fd, False)

    def read(self) -> int:
        """Take what is there; 0 when nothing is. A flood allocates nothing beyond the one buffer of this read."""
        try:
            data = os.read(self.fd, _READ)
        except BlockingIOError:
            return 0
        if not data:
            self.is_open = False
        room = self._limit - len(self._kept)
        self._kept += data[:room]
        self.is_truncated |= len(data) > room
        return len(data)

    def read_rest(self) -> None:
        """After the shell's end: what it wrote lies in the pipe; more than a pipe holds is somebody else's."""
        left = fcntl.fcntl(self.fd, fcntl.F_GETPIPE_SZ)
        while left > 0 and self.is_open and (size := self.read()):
            left -= size

    def text(self) -> str:
        """What was kept, as text; bytes that are no UTF-8 become U+FFFD, as a terminal shows them."""
        return self._kept.decode("utf-8", "replace")


def shell_path() -> str:
    """The shell that runs commands here: bash, or what else there is."""
    return next((path for path in _SHELLS if os.access(path, os.X_OK)), "/bin/sh")


def run_command(run: Run, command: Command) -> CommandOutput:
    """Run a command to its end; raises ToolFailed (CommandTimedOut, CommandCancelled, NoSuchFile…)."""
    outputs, child = _start(run, command)
    try:
        with child:
            exit_code = _follow(run, command, outputs, child)
    finally:
        for output in outputs:
            output.read_rest()
        _close([output.fd for output in outputs if not output.is_open])
        run.keeper.keep([output.fd for output in outputs if output.is_open])
    return _result(outputs, exit_code)


def _follow(run: Run, command: Command, outputs: list[Output], child: Child) -> int:
    poller, by_fd = select.poll(), {output.fd: output for output in outputs}
    for fd in (child.fd, run.cancel.fd, *by_fd):
        poller.register(fd, select.POLLIN)
    deadline = Deadline(command.seconds)
    while deadline.left > 0 and not run.cancel.is_set:
        ready = deadline.poll(poller)
        for output in [by_fd[fd] for fd in ready if fd in by_fd]:
            output.read()
            if not output.is_open:
                poller.unregister(output.fd)
        if child.fd in ready:
            return child.reap()
    if run.cancel.is_set:
        raise failed("CommandCancelled", "the command was cancelled, and its process group was killed")
    raise failed(
        "CommandTimedOut",
        f"the command did not end within {command.seconds:g} s, and its process group was killed; raise timeout_ms",
    )


def _start(run: Run, command: Command) -> tuple[list[Output], Child]:
    ours: list[int] = []
    theirs: list[int] = []
    try:
        theirs.append(_stdin(command.stdin))
        for _ in ("stdout", "stderr", "report"):
            read, write = os.pipe()
            ours.append(read)
            theirs.append(write)
        _own(run, command, *theirs[1:3])
        if len(command.script.encode()) > _LONGEST_ARGUMENT:
            theirs.append(_memory_file("script", command.script))
        child = Child(fork(lambda: _exec(run, command, theirs)))
    except BaseException:
        _close(ours)
        raise
    finally:
        _close(theirs)
    outputs = [Output(fd, run.settings.output_bytes) for fd in ours[:2]]
    _check_started(ours[2], command, outputs, child)
    return outputs, child


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)


def _check_started(report: int, command: Command, outputs: list[Output], child: Child) -> None:
    trouble = trouble_in(report, command.cwd or command.home)
    if trouble is None:
        return
    with child:
        _close([output.fd for output in outputs])
    raise trouble


def trouble_in(report: int, directory: Place) -> ToolFailed | None:
    """What kept a child from becoming its program, as it wrote it into the pipe `report`, which this closes."""
    try:
        text = os.read(report, 256)  # whole: so few bytes are written into a pipe at once
    finally:
        os.close(report)
    if not text:
        return None
    number, _, what = text.decode().partition(" ")
    error = OSError(int(number), "")
    if what == LIMITS:
        return failed("GuestFailed", f"the command could not be put under the session's limits: {error}")
    return failed_by(error, directory.shown if what == CWD else what)


def _stdin(text: str | None) -> int:
    if text is None:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    return _memory_file("stdin", text)


def _memory_file(name: str, text: str) -> int:
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    with open(fd, "wb", closefd=False) as file:
        file.write(text.encode())
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def _own(run: Run, command: Command, *fds: int) -> None:
    # So that the user may open /dev/stdout and /dev/stderr again, which asks for the rights of the pipe's owner.
    if run.settings.switch_user:
        for fd in fds:
            os.fchown(fd, *run.settings.ids(command.user))


LIMITS, CWD = "limits", "cwd"
"""What a child reports as the step that failed, where it is no program."""


def _exec(run: Run, command: Command, fds: list[int]) -> int:
    """In the child: all between fork and the shell. A failure is told as "<errno> <what>" on the fourth of `fds`."""
    report, what = fds[REPORT], LIMITS
    try:
        os.setsid()
        become(run.settings, command.user)
        what = CWD
        enter(command.cwd, command.home)
        what = command.shell
        arrange(fds)
        report = REPORT
        restore_signals()
        argv = [what, "-c", command.script] if len(fds) <= _SCRIPT else [what, f"/proc/self/fd/{_SCRIPT}"]
        os.execve(what, argv, command.variables)  # noqa: S606 - the shell itself, by an argument list
    except OSError as error:
        os.write(report, f"{error.errno} {what}".encode())
    return 127


def enter(cwd: Place | None, home: Place) -> None:
    """In a child: go where the command starts; raises OSError if it was told where and cannot."""
    if cwd is not None:
        os.chdir(cwd.real)
        return
    try:
        os.chdir(home.real)
    except OSError:
        os.chdir("/")


REPORT, _SCRIPT, _ABOVE = 3, 4, 64


def arrange(fds: list[int]) -> None:
    """Put them at 0, 1, 2, … and close all others. The report ends with exec, which is how its reader learns of it."""
    # First all out of the way, then each to its number: the sources may stand on each other's targets.
    sources = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for fd in fds]
    for target, source in enumerate(sources):
        os.dup2(source, target, inheritable=target != REPORT)
    os.closerange(len(fds), 1 << 20)


def _result(outputs: list[Output], exit_code: int) -> CommandOutput:
    stdout, stderr = (output.text() for output in outputs)
    truncated = any(output.is_truncated for output in outputs)
    while True:
        result = CommandOutput(stdout=stdout, stderr=stderr, exit_code=exit_code, truncated=truncated)
        # JSON writes a control character as six: only then can two full outputs be too large for a frame.
        if len(stdout) + len(stderr) <= MAX_FRAME // 6 or len(msgspec.json.encode(result)) <= MAX_ANSWER:
            return result
        stdout, stderr, truncated = stdout[: len(stdout) // 2], stderr[: len(stderr) // 2], True
