"""Terminals of sessions: opened, found again, listed and ended; their bytes count as use of the session."""

from cove.core.errors import CoveError, SandboxGone, SessionNotFound, SessionPaused, TerminalGone, WrongState
from cove.core.ids import SessionId
from cove.core.ports import TerminalLine
from cove.core.session import ENDED, Session, State, refusal
from cove.core.terminal import Detached, Exited, OpenTerminal, Said, TerminalView
from cove.server.moves import Moves
from cove.server.parts import Caller, Parts
from cove.server.readiness import ready, using

_OPEN = "open a terminal"


class Window:
    """Somebody's look at a terminal. What is typed wakes a session that idleness paused; looking on does not."""

    def __init__(self, parts: Parts, moves: Moves, session: Session, line: TerminalLine) -> None:
        self.terminal_id = line.terminal_id
        self._parts = parts
        self._moves = moves
        self._session = session
        self._line = line

    async def receive(self) -> bytes | Exited | Detached:
        """The next bytes, or why there are no more; raises SandboxFailed."""
        try:
            heard = await self._line.receive()
        except TerminalGone as error:
            raise await self._reason(error) from error
        self._parts.activity.touch(self._session.id)
        return heard

    async def send(self, data: bytes) -> bool:
        """Type so many bytes; False if they wait for somebody to resume the session. Raises SandboxFailed."""
        is_heard = await self._is_awake()
        await self._pass_on(data)
        return is_heard

    async def say(self, message: Said) -> None:
        """Resize it, or end what runs on it; raises SandboxFailed."""
        await self._pass_on(message)

    def close(self) -> None:
        """Look away; the terminal lives on."""
        self._line.close()

    async def _is_awake(self) -> bool:
        try:
            await ready(self._parts, self._moves, await self._parts.load(self._session.id), "type")
        except SessionPaused:
            return False
        except (SessionNotFound, WrongState):
            return True  # it is about to end, which the line tells
        return True

    async def _pass_on(self, said: bytes | Said) -> None:
        try:
            if isinstance(said, bytes):
                await self._line.send(said)
            else:
                await self._line.say(said)
        except TerminalGone as error:
            raise await self._reason(error) from error

    async def _reason(self, error: TerminalGone) -> CoveError:
        """Why it broke off: it may have been the session's end."""
        session = await self._parts.load(self._session.id)
        if session.state in ENDED or session.state is State.DELETING:
            return SandboxGone(session_id=session.id, end_reason=session.end_reason or "ended")
        return error


class Terminals:
    """The use cases. Each raises SessionNotFound for what the caller must not see, and SandboxFailed."""

    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves

    async def open(self, caller: Caller, session_id: SessionId, wish: OpenTerminal) -> Window:
        """Open a terminal; raises TerminalRefused, WrongState."""
        session = await self._parts.load_for(caller, session_id)
        async with using(self._parts, self._moves, session, _OPEN):
            line = await self._parts.driver.open_terminal(session_id, wish)
        return Window(self._parts, self._moves, session, line)

    async def attach(self, caller: Caller, session_id: SessionId, terminal_id: str) -> Window:
        """Look at a terminal, in the place of whoever does now; raises TerminalNotFound, WrongState."""
        session = await self._parts.load_for(caller, session_id)
        async with using(self._parts, self._moves, session, _OPEN):
            line = await self._parts.driver.attach_terminal(session_id, terminal_id)
        return Window(self._parts, self._moves, session, line)

    async def list(self, caller: Caller, session_id: SessionId) -> list[TerminalView]:
        """The terminals that live. It wakes nobody: raises WrongState for a session that does not run."""
        session = await self._parts.load_for(caller, session_id)
        if session.state in ENDED:
            raise SessionNotFound(session_id=session_id)
        if session.state is not State.RUNNING:
            raise refusal(session, "list its terminals")
        return await self._parts.driver.terminals(session_id)

    async def kill(self, caller: Caller, session_id: SessionId, terminal_id: str) -> None:
        """End what runs on a terminal; raises TerminalNotFound, WrongState."""
        session = await self._parts.load_for(caller, session_id)
        async with using(self._parts, self._moves, session, "end a terminal"):
            await self._parts.driver.kill_terminal(session_id, terminal_id)
