"""A session as AgentBay's documents describe it."""

import time
from typing import TYPE_CHECKING, Any

from cove.core.api import SessionView, ToolAnswer
from cove.core.errors import NotSupported, WrongState
from cove.core.session import TRANSIENT, State
from cove.sdk._async.command import AsyncCommand
from cove.sdk._async.file_system import AsyncFileSystem
from cove.sdk._async.handle import AsyncSessionHandle, state_in
from cove.sdk._twins import async_awaitable, async_sleep
from cove.sdk._wire import sessions, tools
from cove.sdk._wire.messages import Answer
from cove.sdk.results import (
    McpToolResult,
    OperationResult,
    SessionInfo,
    SessionMetricsResult,
    SessionPauseResult,
    SessionResumeResult,
)

if TYPE_CHECKING:
    from cove.sdk._async.agent_bay import AsyncAgentBay


class AsyncSession(AsyncSessionHandle):
    """An agent's computer: `command`, `file_system` (also `fs`, `filesystem`, `files`) and `env` act in it."""

    def __init__(self, agent_bay: "AsyncAgentBay", session_id: str) -> None:
        super().__init__(agent_bay, session_id)
        self.agent_bay = agent_bay
        self.command = AsyncCommand(self._calls)
        self.file_system = AsyncFileSystem(self._calls)
        self.fs = self.filesystem = self.files = self.file_system

    async def info(self) -> OperationResult:
        """What the session is, as a SessionInfo in `data`. Raises SessionError if the service refuses."""
        answer = await self._view()
        view = answer.get()
        info = SessionInfo(session_id=view.session_id, resource_url=view.resource_url)
        info.view = view
        return OperationResult(**answer.facts(), data=info)

    async def get_link(
        self,
        protocol_type: str | None = None,
        port: int | None = None,
        options: str | None = None,
        *,
        expires_in: float | None = None,
    ) -> OperationResult:
        """An address, as `data`, at which a browser or program reaches what listens on `port`, from 30100 to 30199.

        `protocol_type` is `https` or `wss`, the default; without TLS the address is http:// or ws://. A link lives as
        long as the session, or `expires_in` seconds. Raises SessionError if the service refuses.
        """
        return await self._link(protocol_type, port, options, expires_in)

    get_link_async = async_awaitable(get_link)

    async def call_mcp_tool(
        self,
        tool_name: str,
        args: dict[str, Any],
        read_timeout: int | None = None,
        connect_timeout: int | None = None,
        auto_gen_session: bool = False,
    ) -> McpToolResult:
        """Call a tool; `data` is its text. Timeouts are seconds, by default the tool's own and ten more.

        `auto_gen_session=True` raises NotSupported: a handle never becomes another session.
        """
        if auto_gen_session:
            raise NotSupported(what="auto_gen_session=True", reason="make a session with create() and call it there")
        return text_result(await self._calls.text(tool_name, args, read_timeout, connect_timeout))

    async def get_metrics(
        self, read_timeout: int | None = None, connect_timeout: int | None = None
    ) -> SessionMetricsResult:
        """The session's use of the machine, measured from outside it. Timeouts are seconds."""
        return await self._metrics(read_timeout, connect_timeout)

    async def pause(
        self,
        timeout: int = 600,  # noqa: ASYNC109 - the official name
        poll_interval: float = 2.0,
    ) -> SessionPauseResult:
        """Freeze every process of the session and wait until it is PAUSED, for at most `timeout` seconds."""
        answer = await self._move("pause", State.PAUSED, timeout, poll_interval)
        return SessionPauseResult(**answer.facts(), status=state_in(answer))

    async def resume(
        self,
        timeout: int = 600,  # noqa: ASYNC109 - the official name
        poll_interval: float = 2.0,
    ) -> SessionResumeResult:
        """Let the session's processes go on and wait until it is RUNNING, for at most `timeout` seconds."""
        answer = await self._move("resume", State.RUNNING, timeout, poll_interval)
        return SessionResumeResult(**answer.facts(), status=state_in(answer))

    async def pause_async(self) -> SessionPauseResult:
        """Start a pause; `get_status` tells when the session is PAUSED."""
        answer = await self._transport.ask(sessions.move(self.session_id, "pause", wait=False))
        return SessionPauseResult(**answer.facts(), status=state_in(answer))

    async def resume_async(self) -> SessionResumeResult:
        """Start a resume; `get_status` tells when the session is RUNNING."""
        answer = await self._transport.ask(sessions.move(self.session_id, "resume", wait=False))
        return SessionResumeResult(**answer.facts(), status=state_in(answer))

    beta_pause = pause
    beta_resume = resume

    async def _move(self, verb: str, goal: State, limit: float, poll_interval: float) -> Answer[SessionView]:
        """Ask for a move and wait for its end; the server waits first, then we look every `poll_interval`."""
        sessions.positive("timeout", limit)
        sessions.positive("poll_interval", poll_interval)
        deadline = time.monotonic() + limit
        answer = await self._transport.ask(sessions.move(self.session_id, verb, wait=True, timeout=limit))
        while state_in(answer) in TRANSIENT and time.monotonic() < deadline:
            await async_sleep(min(poll_interval, max(0.0, deadline - time.monotonic())))
            answer = await self._transport.ask(sessions.view(self.session_id))
        if answer.error is None and state_in(answer) != goal:
            return answer.refuse(WrongState(session_id=self.session_id, state=state_in(answer), move=verb))
        return answer


def text_result(answer: Answer[ToolAnswer]) -> McpToolResult:
    """A tool's text, or why there is none."""
    refused = tools.refused(answer)
    if refused is not None:
        return McpToolResult(**refused.facts())
    return McpToolResult(**answer.facts(), data=answer.get().text or "")
