"""The terminals of a sandbox: opened, found again by their ids, listed and killed."""

import itertools
import socket
from typing import TYPE_CHECKING

import msgspec

from cove.core.terminal import Opened, OpenTerminal, TerminalView
from cove.guest.failures import failed
from cove.guest.places import place
from cove.guest.settings import GuestSettings
from cove.guest.threads import Lock
from cove.guest.variables import VariableStore, check_variables

if TYPE_CHECKING:
    from cove.guest.terminal import Terminal

MOST = 16
"""Terminals at once. One more ends the oldest at which nobody looks. So many ended ones are remembered, too."""


class TerminalList(msgspec.Struct, frozen=True):
    """The terminals that live, oldest first."""

    terminals: list[TerminalView]


class Terminals:
    """Safe to use from several threads."""

    def __init__(self, settings: GuestSettings, variables: VariableStore) -> None:
        self._settings = settings
        self._variables = variables
        self._lock = Lock()
        self._known: dict[str, Terminal] = {}
        self.turns = itertools.count()
        """In which order terminals are asked for: who asked last looks at one."""

    def open(self, wish: OpenTerminal) -> Opened:
        """Open one; raises ToolFailed."""
        from cove.guest.openings import open_terminal  # with `termios`: most guests never need it

        check_variables(wish.envs)
        self._make_room()
        cwd = place(self._settings, wish.cwd) if wish.cwd else None
        terminal = open_terminal(self._settings, wish, cwd, self._variables.values(), self._forget)
        with self._lock:
            self._known[terminal.id] = terminal
        return Opened(terminal.id)

    def check(self, terminal_id: str) -> Opened:
        """The id of one that lives, or whose end nobody has seen; raises ToolFailed NoSuchTerminal."""
        with self._lock:
            if terminal_id not in self._known:
                raise failed("NoSuchTerminal", f"no terminal {terminal_id[:40]!r}; it has ended, or never was")
        return Opened(terminal_id)

    def attach(self, terminal_id: str, connection: socket.socket, turn: int) -> None:
        """Show a terminal on a connection, which is the terminal's from now on, to whoever asked at this turn."""
        with self._lock:
            terminal = self._known.get(terminal_id)
        if terminal is None:
            connection.close()
        else:
            terminal.attach(connection, turn)

    def leave(self, terminal_id: str) -> None:
        """Nobody is there any more to whom it could be shown."""
        with self._lock:
            terminal = self._known.get(terminal_id)
        if terminal is not None:
            terminal.leave()

    def list(self) -> TerminalList:
        """Those that live."""
        with self._lock:
            living = [terminal for terminal in self._known.values() if not terminal.has_ended]
            return TerminalList([terminal.view() for terminal in living])

    def kill(self, terminal_id: str) -> Opened:
        """End what runs on a terminal; raises ToolFailed NoSuchTerminal."""
        found = self.check(terminal_id)
        with self._lock:
            terminal = self._known.get(terminal_id)
        if terminal is not None:
            terminal.kill("KILL")
        return found

    def _make_room(self) -> None:
        with self._lock:
            ended = [terminal.id for terminal in self._known.values() if terminal.has_ended]
            for terminal_id in ended[: max(0, len(ended) - MOST + 1)]:
                del self._known[terminal_id]
            living = [terminal for terminal in self._known.values() if not terminal.has_ended]
            if len(living) < MOST:
                return
            unseen = next((terminal for terminal in living if not terminal.is_attached()), None)
            if unseen is None:
                raise failed("TooManyTerminals", f"the session has {MOST} terminals in use; close one first")
            del self._known[unseen.id]
        unseen.kill("KILL")

    def _forget(self, terminal_id: str) -> None:
        with self._lock:
            self._known.pop(terminal_id, None)
