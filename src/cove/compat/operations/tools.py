"""Tools as the clouds' clients see them: lists of them, and calls whose results are text."""

from typing import Any

import msgspec

from cove.compat.operations.known_images import named_by_capability
from cove.compat.operations.known_tools import LACKING
from cove.compat.operations.registry import not_built, operation
from cove.compat.operations.service import Service
from cove.compat.tools import COMMAND, has_failed, render, render_printed
from cove.core.errors import CoveError, InvalidToolArguments, ToolNotFound
from cove.core.ids import SessionId
from cove.core.image import DEFAULT_IMAGE
from cove.core.tool import Failure, Outcome, Tool

_FIRST = "get_metrics"
"""Whoever tries the first tool that needs no arguments finds one that does no harm."""


class ListTools(msgspec.Struct, frozen=True, kw_only=True):
    """Of which image; empty is the one that sessions have whose maker named none."""

    image_id: str = ""


class ToolEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A tool with its schema; `tool` is what older clients call its name."""

    name: str
    description: str
    input_schema: dict[str, Any]
    server: str
    tool: str


class CallTool(msgspec.Struct, frozen=True, kw_only=True):
    """A call.

    `plain` is for clients that show people what a command printed as it comes, and take nothing apart. `trace_id` is
    the request's id, which a command that failed is reported with.
    """

    session_id: str = ""
    name: str = ""
    args: dict[str, Any] = {}
    plain: bool = False
    trace_id: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """A block of a result."""

    text: str
    type: str = "text"


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool gave: one text, its own message where `is_error`."""

    content: list[Content]
    is_error: bool


@operation("ListMcpTools", "POST /mcp/listTools", methods="session.list_mcp_tools")
async def list_tools(service: Service, _: Any, request: ListTools) -> list[ToolEntry]:
    """List the tools of an image."""
    with named_by_capability():
        tools = service.tools_of(request.image_id or DEFAULT_IMAGE)
    return [_entry(tool) for tool in sorted(tools, key=lambda tool: tool.name != _FIRST)]


def _entry(tool: Tool) -> ToolEntry:
    return ToolEntry(
        name=tool.name,
        description=tool.description,
        input_schema=tool.input_schema,
        server=tool.server,
        tool=tool.name,
    )


@operation(
    "CallMcpTool",
    "POST /mcp",
    methods="session.call_mcp_tool, and all that call tools",
    ignores={
        "server": "a tool's name says which tool",
        "auto_gen_session": "a call in a session that has ended is refused, and none is made for it",
        "tool": "`name` says it, and no client sends it",
        "image_id": "the session has its image, and no client sends one",
        "external_user_id": "it is the asker's own note, and no client sends it",
    },
)
async def call_tool(service: Service, caller: Any, request: CallTool) -> ToolResult:
    """Call a tool; what the tool, or its schema, says no to is a result that says so."""
    try:
        outcome = await service.call(caller, SessionId(request.session_id), request.name, request.args)
    except (ToolNotFound, InvalidToolArguments) as error:
        outcome = refused(request.name, error)
    return result_of(request.name, outcome, plain=request.plain, trace_id=request.trace_id)


def result_of(tool: str, outcome: Outcome, *, plain: bool, trace_id: str = "") -> ToolResult:
    """An outcome as text; a command's is what it printed, if `plain`.

    A command that failed is an error: only then do clients have an error message, which is what it said.
    """
    text = render_printed(outcome) if plain and tool == COMMAND else render(tool, outcome, trace_id)
    return ToolResult(content=[Content(text=text)], is_error=has_failed(tool, outcome))


def refused(tool: str, error: CoveError) -> Outcome:
    """A service's no as the outcome of a call; it names the capability of a tool that is not built yet."""
    if isinstance(error, ToolNotFound) and tool in LACKING:
        error = not_built(LACKING[tool], f"the tool {tool!r}")
    return Outcome(failure=Failure(code=error.code, message=str(error)))
