"""Tool calls: which tools a session has, running one, ending one. No lock is held while a call runs."""

import secrets
from typing import Any

import msgspec

from cove.core.errors import InvalidInput, InvalidToolArguments, SessionNotFound, ToolNotFound
from cove.core.frames import FrameRefused, is_shallow
from cove.core.ids import CallId, SessionId, text_id
from cove.core.session import ENDED, Session, State, refusal
from cove.core.tool import AnsweredBy, Outcome, Tool
from cove.server.moves import Moves
from cove.server.parts import Caller, Parts
from cove.server.readiness import using
from cove.server.shapes import Shapes

DEEPEST_ARGUMENTS = 32
LONGEST_CALL_ID = 128
_STAND_STILL = (State.PAUSING, State.PAUSED)
"""States in which a guest does not answer, and whoever asks it something waits for the resume."""


class Calls:
    """The use cases around tools."""

    def __init__(self, parts: Parts, moves: Moves) -> None:
        self._parts = parts
        self._moves = moves
        self._shapes = Shapes(parts.tools)

    def tools_of(self, image_id: str) -> list[Tool]:
        """The tools that an image offers; raises ImageNotFound."""
        families = self._parts.images.find(image_id).families
        return [tool for tool in self._parts.tools if tool.family in families]

    async def tools_in(self, caller: Caller, session_id: SessionId) -> list[Tool]:
        """The tools of a session."""
        return self.tools_of((await self._parts.load_for(caller, session_id)).image_id)

    async def call(
        self, caller: Caller, session_id: SessionId, name: str, arguments: dict[str, Any], call_id: str | None = None
    ) -> Outcome:
        """Run a tool. Paused meanwhile, the call goes on after the resume; the same call id never runs twice.

        What the node answers by itself is a read: it wakes nobody and counts as no use.
        """
        if not is_shallow(arguments, DEEPEST_ARGUMENTS):
            raise InvalidToolArguments(tool=name, reason=f"they nest deeper than {DEEPEST_ARGUMENTS} levels")
        session = await self._living(caller, session_id)
        tool = self._tool(session, name)
        if tool.answered_by is AnsweredBy.NODE:
            return await self._answer(tool, session_id, arguments)
        async with using(self._parts, self._moves, session, "call a tool"):
            try:
                with self._parts.activity.call(session_id):
                    outcome = await self._parts.driver.call(session_id, _check_call_id(call_id), name, arguments)
                return self._shapes.check(session_id, tool, outcome)
            except FrameRefused as error:
                raise InvalidToolArguments(tool=name, reason=str(error)) from error

    async def cancel(self, caller: Caller, session_id: SessionId, call_id: str) -> None:
        """End a call that runs; raises CallNotFound, and SessionPaused where it stands still until the resume."""
        session = await self._living(caller, session_id)
        if session.state in _STAND_STILL:
            raise refusal(session, "end a call")
        await self._parts.driver.cancel(session_id, _check_call_id(call_id))

    async def _living(self, caller: Caller, session_id: SessionId) -> Session:
        session = await self._parts.load_for(caller, session_id)
        if session.state in ENDED:
            raise SessionNotFound(session_id=session_id)
        return session

    def _tool(self, session: Session, name: str) -> Tool:
        for tool in self.tools_of(session.image_id):
            if tool.name == name:
                return tool
        raise ToolNotFound(tool=name, image_id=session.image_id)

    async def _answer(self, tool: Tool, session_id: SessionId, arguments: dict[str, Any]) -> Outcome:
        """Run a tool that the node answers; none of them takes arguments so far."""
        if arguments:
            raise InvalidToolArguments(tool=tool.name, reason=f"it takes none, and was given {', '.join(arguments)}")
        if tool.name != "get_metrics":
            raise ToolNotFound(tool=tool.name, image_id="the node")
        return Outcome(structured=msgspec.to_builtins(await self._parts.driver.metrics(session_id)))


def _check_call_id(call_id: str | None) -> CallId:
    if call_id is None:
        return CallId(text_id("c", secrets.token_bytes(10)))
    if not 1 <= len(call_id) <= LONGEST_CALL_ID or not call_id.isprintable():
        raise InvalidInput(
            name="call_id", value=call_id[:40], remedy=f"give 1 to {LONGEST_CALL_ID} printable characters"
        )
    return CallId(call_id)
