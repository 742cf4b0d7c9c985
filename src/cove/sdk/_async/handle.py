"""What a session is in both dialects: the operations that AgentBay and AGB describe alike."""

from typing import TYPE_CHECKING

from cove.core.api import SessionView
from cove.core.errors import CoveError, NotSupported, SessionError, SessionNotFound
from cove.sdk._async.calls import AsyncToolCalls
from cove.sdk._async.env import AsyncEnv
from cove.sdk._async.network import AsyncNetwork
from cove.sdk._async.transport import AsyncTransport
from cove.sdk._twins import AsyncHttp
from cove.sdk._wire import links, sessions
from cove.sdk._wire.messages import Answer, code_of
from cove.sdk.results import (
    DeleteResult,
    LinkListResult,
    McpTool,
    McpToolsResult,
    OperationResult,
    SessionMetricsResult,
    SessionStatusResult,
    session_metrics,
)

if TYPE_CHECKING:
    from cove.sdk._async.cloud import AsyncCloud

SESSION_FACTS = ("image_id", "resource_url")


class AsyncSessionHandle:
    """A session by its id. Making one asks nobody; `image_id` and `resource_url` are known after `create` or `get`."""

    def __init__(self, cloud: "AsyncCloud", session_id: str) -> None:
        self.session_id = session_id
        self.image_id = ""
        self.resource_url = ""
        self._seen: SessionView | None = None
        self._cloud = cloud
        self._transport: AsyncTransport = cloud.transport
        self._calls = AsyncToolCalls(self, self._transport)
        self._servers: dict[str, str] | None = None
        self.env = AsyncEnv(self._calls)
        self.network = AsyncNetwork(self._transport, session_id)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(session_id={self.session_id!r})"

    def _learn(self, view: SessionView) -> None:
        """Take over what the server said of this session."""
        self._seen = view
        self.image_id, self.resource_url = view.image_id, view.resource_url

    def get_api_key(self) -> str:
        """The API key of the client that made this handle; empty for the local Cove."""
        return self._transport.settings.api_key

    def get_client(self) -> AsyncHttp:
        """The HTTP client that this session's requests go through."""
        return self._transport.http

    def get_session_id(self) -> str:
        """The session's id."""
        return self.session_id

    def is_vpc_enabled(self) -> bool:
        """Whether `GET http://IP:PORT/callTool` runs the session's tools, of the three that follow."""
        return bool(self._own_door("is_vpc_enabled").network_interface_ip)

    def get_network_interface_ip(self) -> str:
        """The session's own address on this machine; empty where there is none."""
        return self._own_door("get_network_interface_ip").network_interface_ip

    def get_http_port(self) -> str:
        """The port at that address; empty where there is none."""
        return self._own_door("get_http_port").http_port

    def get_token(self) -> str:
        """The token of this session alone; empty where there is none, and for other tenants' sessions."""
        return self._own_door("get_token").token

    def _own_door(self, method: str) -> SessionView:
        if self._seen is None:
            raise NotSupported(
                what=f"{method}() on a hand-made handle",
                reason="nobody has asked the server yet; take the session from agent_bay.get(session_id)",
            )
        return self._seen

    async def delete(self, sync_context: bool = False) -> DeleteResult:
        """Delete the session with all that is in it; answered when nothing is left."""
        answer = await self._transport.ask(sessions.delete(self.session_id, sync_context))
        if answer.repeated and isinstance(answer.error, SessionNotFound):  # the first try did it
            return DeleteResult(request_id=answer.request_id, success=True)
        return DeleteResult(**answer.facts())

    async def set_labels(self, labels: dict[str, str]) -> OperationResult:
        """Replace the session's labels. Raises InvalidLabels, and SessionError if the service refuses."""
        answer = await self._transport.ask(sessions.set_labels(self.session_id, labels))
        raise_refusal(answer.error)
        return OperationResult(**answer.facts())

    async def get_labels(self) -> OperationResult:
        """The session's labels as `data`. Raises SessionError if the service refuses."""
        answer = await self._transport.ask(sessions.get_labels(self.session_id))
        raise_refusal(answer.error)
        return OperationResult(**answer.facts(), data=answer.get().labels)

    async def get_status(self) -> SessionStatusResult:
        """The session's state; asking does not count as use."""
        answer = await self._transport.ask(sessions.view(self.session_id))
        return SessionStatusResult(**answer.facts(), status=state_in(answer))

    async def keep_alive(self) -> OperationResult:
        """Count as use, so that the session does not become idle."""
        answer = await self._transport.ask(sessions.keep_alive(self.session_id))
        return OperationResult(**answer.facts())

    async def list_links(self) -> LinkListResult:
        """The session's links that are neither revoked nor expired."""
        answer = await self._transport.ask(links.listed(self.session_id))
        if answer.error is not None:
            return LinkListResult(**answer.facts())
        return LinkListResult(**answer.facts(), links=answer.get().links)

    async def revoke_link(self, link_id: str | None = None) -> OperationResult:
        """Take a link back, or without an id every link and the session's token; `data` is how many it were.

        What is open through them is cut.
        """
        answer = await self._transport.ask(links.revoke(self.session_id, link_id))
        if answer.error is not None:
            return OperationResult(**answer.facts())
        return OperationResult(**answer.facts(), data=answer.get().revoked)

    async def _link(
        self, protocol_type: str | None, port: int | None, options: str | None, expires_in: float | None
    ) -> OperationResult:
        request = links.create(self.session_id, protocol_type, port, options, expires_in)
        answer = await self._transport.ask(request)
        raise_refusal(answer.error)
        return OperationResult(**answer.facts(), data=answer.get().url)

    async def list_mcp_tools(self, image_id: str | None = None) -> McpToolsResult:
        """The tools of this session, or of an image."""
        answer = await self._transport.ask(sessions.tools(self.session_id, image_id))
        if answer.error is not None:
            return McpToolsResult(**answer.facts())
        tools = [
            McpTool(name=t.name, description=t.description, input_schema=t.input_schema, server=t.server, tool=t.name)
            for t in answer.get().tools
        ]
        if image_id is None:
            self._servers = {tool.name: tool.server for tool in tools}
        return McpToolsResult(**answer.facts(), tools=tools)

    async def find_server_for_tool(self, tool_name: str) -> str:
        """The server that provides a tool; empty if none does. Asks for the tools once; raises what refuses that."""
        if self._servers is None:
            result = await self.list_mcp_tools()
            result.unwrap()
        return (self._servers or {}).get(tool_name, "")

    async def _metrics(self, read_timeout: float | None, connect_timeout: float | None) -> SessionMetricsResult:
        answer = await self._transport.ask(sessions.metrics(self.session_id, read_timeout, connect_timeout))
        if answer.error is not None:
            return SessionMetricsResult(**answer.facts())
        metrics = session_metrics(answer.get().metrics)
        raw = {name: getattr(metrics, name) for name in metrics.__struct_fields__}
        return SessionMetricsResult(**answer.facts(), metrics=metrics, raw=raw)

    async def _view(self) -> Answer[SessionView]:
        answer = await self._transport.ask(sessions.view(self.session_id))
        raise_refusal(answer.error)
        self._learn(answer.get())
        return answer


def raise_refusal(error: CoveError | None) -> None:
    """Raise SessionError for a refusal, as four methods do."""
    if error is not None:
        raise SessionError(message=str(error), code=code_of(error)) from error


def state_in(answer: Answer[SessionView]) -> str:
    """The state that an answer tells; empty for a refusal."""
    return "" if answer.error is not None else answer.get().state
