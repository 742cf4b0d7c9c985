"""AGB's client: the same service, where AGB's documents say it differently."""

# Generated from _async/agb.py by dev/generate.py: change that, then run `python dev/generate.py`.

from typing import Any

from cove.core.api import SessionView
from cove.core.errors import InvalidInput
from cove.core.labels import check_labels
from cove.sdk._settings import client_settings
from cove.sdk._sync.agb_files import AGBFileSystem
from cove.sdk._sync.cloud import DEFAULT_LIMIT, Cloud
from cove.sdk._sync.command import Command
from cove.sdk._sync.file_system import FileSystem
from cove.sdk._sync.handle import SessionHandle
from cove.sdk._sync.session import text_result
from cove.sdk._wire.messages import Answer
from cove.sdk.params import Config, CreateSessionParams
from cove.sdk.results import (
    CommandResult,
    DeleteResult,
    GetSessionData,
    GetSessionResult,
    McpToolResult,
    OperationResult,
    SessionListResult,
    SessionMetricsResult,
    SessionResult,
)

NO_PARAMS = "params is required and cannot be None"
NO_IMAGE = "image_id is required and cannot be empty or None"
NO_SESSION_ID = "session_id is required"
NO_LABELS = "Labels cannot be empty. Please provide at least one label."


class AGB(Cloud):
    """Makes sessions and finds them again, with AGB's names. `endpoint` and the environment are as for AgentBay.

    What AGB's client refuses in a result before it sends anything, this one refuses in the same words.
    """

    def __init__(self, api_key: str = "", cfg: Config | None = None, *, endpoint: str | None = None) -> None:
        super().__init__(client_settings(api_key, endpoint, cfg))

    def create(
        self, params: CreateSessionParams | None = None, *, idempotency_key: str | None = None
    ) -> "SessionResult[AGBSession]":
        """Make a session, once under the same `idempotency_key`. AGB wants params, and an image in them."""
        if params is None:
            return SessionResult(**refused("params", params, NO_PARAMS))
        if not params.image_id or not params.image_id.strip():
            return SessionResult(**refused("image_id", params.image_id, NO_IMAGE))
        return self._session_result(self._create(params, idempotency_key))

    def get_or_create(self, params: CreateSessionParams) -> "SessionResult[AGBSession]":
        """The oldest living session that has all of `params.labels`, and the image if one is named; else a new one.

        Whoever asks at the same time gets the same session. Raises InvalidLabels where there are none.
        """
        check_labels(params.labels)
        return self._session_result(self._create(params, reuse=True))

    def get(self, session_id: str) -> "SessionResult[AGBSession]":
        """The session with this id, unless it has ended."""
        if not session_id:
            return SessionResult(**refused("session_id", session_id, NO_SESSION_ID))
        return self._session_result(self._get(session_id))

    def _session_result(self, answer: Answer[SessionView]) -> "SessionResult[AGBSession]":
        if answer.error is not None:
            return SessionResult(**answer.facts())
        view = answer.get()
        session = AGBSession(self, view.session_id)
        session._learn(view)
        return SessionResult(**answer.facts(), session=session)

    def get_session(self, session_id: str) -> GetSessionResult:
        """Facts about the session with this id, unless it has ended."""
        if not session_id:
            return GetSessionResult(**refused("session_id", session_id, NO_SESSION_ID))
        answer = self._get(session_id)
        if answer.error is not None:
            return GetSessionResult(**answer.facts())
        view = answer.get()
        data = GetSessionData(
            session_id=view.session_id, status=view.state, resource_url=view.resource_url, success=True
        )
        return GetSessionResult(**answer.facts(), data=data)

    def delete(self, session: "AGBSession", sync_context: bool = False) -> DeleteResult:
        """Delete a session with all that is in it."""
        return session.delete(sync_context)

    def list(
        self, labels: dict[str, str] | None = None, page: int | None = None, limit: int | None = None
    ) -> SessionListResult:
        """Ids of sessions that live, newest first, `limit` (10, at most 100) to a page, pages from 1."""
        answer = self._page(labels, page, limit)
        if answer.error is not None:
            return SessionListResult(**answer.facts())
        found = answer.get()
        return SessionListResult(
            **answer.facts(),
            session_ids=[view.session_id for view in found.sessions],
            sessions=found.sessions,
            next_token=found.next_cursor,
            max_results=limit or DEFAULT_LIMIT,
            total_count=found.total,
        )


class AGBSession(SessionHandle):
    """A session as AGB's documents describe it: `command`, `file` and `env` act in it; timeouts are milliseconds."""

    def __init__(self, agb: AGB, session_id: str) -> None:
        super().__init__(agb, session_id)
        self.agb = agb
        self.command = AGBCommand(Command(self._calls))
        self.file = AGBFileSystem(FileSystem(self._calls))

    def set_labels(self, labels: dict[str, str]) -> OperationResult:
        """Replace the session's labels. Empty ones are refused in the result; raises SessionError as AgentBay's."""
        if labels == {}:
            return OperationResult(**refused("labels", labels, NO_LABELS))
        return super().set_labels(labels)

    def info(self) -> OperationResult:
        """What the session is, as a dict in `data`. Raises SessionError if the service refuses."""
        answer = self._view()
        view = answer.get()
        return OperationResult(
            **answer.facts(), data={"session_id": view.session_id, "resource_url": view.resource_url}
        )

    def get_link(
        self, protocol_type: str | None = None, port: int | None = None, *, expires_in: float | None = None
    ) -> OperationResult:
        """An address, as `data`, at which a browser or program reaches what listens on `port`, from 30100 to 30199.

        `protocol_type` is `https` or `wss`, the default; without TLS the address is http:// or ws://. A link lives as
        long as the session, or `expires_in` seconds. Raises SessionError if the service refuses.
        """
        return self._link(protocol_type, port, None, expires_in)

    def call_mcp_tool(
        self,
        tool_name: str,
        args: dict[str, Any],
        read_timeout: int | None = None,
        connect_timeout: int | None = None,
    ) -> McpToolResult:
        """Call a tool; `data` is its text. Timeouts are milliseconds, by default the tool's own and ten seconds."""
        read_seconds, connect_seconds = _seconds(read_timeout), _seconds(connect_timeout)
        return text_result(self._calls.text(tool_name, args, read_seconds, connect_seconds))

    def get_metrics(self, read_timeout: int | None = None, connect_timeout: int | None = None) -> SessionMetricsResult:
        """The session's use of the machine, measured from outside it. Timeouts are milliseconds."""
        return self._metrics(_seconds(read_timeout), _seconds(connect_timeout))


class AGBCommand:
    """Runs shell commands under AGB's name and with its default."""

    def __init__(self, command: Command) -> None:
        self._command = command

    def execute(
        self, command: str, timeout_ms: int = 1000, cwd: str | None = None, envs: dict[str, str] | None = None
    ) -> CommandResult:
        """Run a command and wait until its shell ends, for at most one second unless `timeout_ms` says otherwise."""
        return self._command.execute_command(command, timeout_ms, cwd, envs)


def refused(name: str, value: Any, sentence: str) -> dict[str, Any]:
    """The facts of a result that says no in AGB's own words, without asking the service."""
    cause = InvalidInput(name=name, value=value, remedy=sentence)
    return {"error_message": sentence, "code": cause.code, "cause": cause}


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
