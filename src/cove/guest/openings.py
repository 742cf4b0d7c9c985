"""How a terminal is opened: the PTY is made, and a child becomes the shell on it."""

import fcntl
import os
import termios
from collections.abc import Callable

from cove.core.ids import text_id
from cove.core.terminal import OpenTerminal
from cove.guest.children import Child, become, fork, restore_signals
from cove.guest.commands import CWD, LIMITS, REPORT, arrange, enter, shell_path, trouble_in
from cove.guest.failures import failed, failed_by
from cove.guest.places import Place, place
from cove.guest.settings import GuestSettings
from cove.guest.terminal import Pty, Terminal
from cove.guest.variables import environment


def open_terminal(
    settings: GuestSettings,
    wish: OpenTerminal,
    cwd: Place | None,
    variables: dict[str, str],
    on_end: Callable[[str], None],
) -> Terminal:
    """A terminal with a shell on it, started; raises ToolFailed."""
    home = place(settings, settings.home_of(wish.user))
    shell = _shell(wish)
    values = environment(settings, wish.user, shell) | variables | wish.envs
    if settings.root is not None:
        values["HOME"] = home.real
    program = ([shell] if wish.command is None else [shell, "-c", wish.command], values)
    pty = _pty(settings, wish)
    try:
        child = _start(lambda report: _be(settings, wish, (cwd, home), program, (pty.slave, report)), cwd or home)
    except BaseException:
        pty.close()
        raise
    terminal = Terminal(text_id("t", os.urandom(5)), child, pty, on_end)
    try:
        terminal.start()
    except RuntimeError as error:
        terminal.discard()
        raise failed("TooManyProcesses", "the session has all the processes it may have; end some") from error
    return terminal


def _shell(wish: OpenTerminal) -> str:
    if "\0" in (wish.command or "") + (wish.shell or ""):
        raise failed("InvalidCommand", "neither the command nor the shell may hold a NUL")
    if wish.shell is not None and not wish.shell.startswith("/"):
        raise failed("InvalidPath", f"shell = {wish.shell[:80]!r} is not an absolute path")
    return wish.shell or shell_path()


def _pty(settings: GuestSettings, wish: OpenTerminal) -> Pty:
    try:
        pty = Pty()
    except OSError as error:
        raise failed_by(error, "/dev/ptmx") from error
    pty.resize(wish.cols, wish.rows)
    if settings.switch_user:
        os.fchown(pty.slave, settings.ids(wish.user)[0], -1)
    return pty


def _start(be: Callable[[int], int], directory: Place) -> Child:
    read, write = os.pipe()
    try:
        child = Child(fork(lambda: be(write)))
    except OSError as error:
        os.close(read)
        raise failed_by(error, "the sandbox") from error
    finally:
        os.close(write)
    trouble = trouble_in(read, directory)
    if trouble is not None:
        with child:
            raise trouble
    return child


def _be(
    settings: GuestSettings,
    wish: OpenTerminal,
    places: tuple[Place | None, Place],
    program: tuple[list[str], dict[str, str]],
    fds: tuple[int, int],
) -> int:
    """In the child: all between fork and the shell; as `commands` do it, with a terminal."""
    argv, values = program
    slave, report = fds
    what = LIMITS
    try:
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        become(settings, wish.user)
        what = CWD
        enter(*places)
        what = argv[0]
        arrange([slave, slave, slave, report])
        report = REPORT
        restore_signals()
        os.execve(what, argv, values)  # noqa: S606 - the shell itself, by an argument list
    except OSError as error:
        os.write(report, f"{error.errno} {what}".encode())
    return 127
