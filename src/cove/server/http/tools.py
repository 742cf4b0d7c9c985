"""Routes for tools: which there are, calling one, ending a call."""

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from litestar.types import Scope

from cove.compat.tools import render
from cove.core.api import CallTool, ImageList, ToolAnswer, ToolList
from cove.core.frames import MAX_FRAME
from cove.core.ids import SessionId
from cove.core.image import Images
from cove.server.calls import Calls
from cove.server.http.auth import caller_of
from cove.server.http.documents import ERRORS, NOT_FOUND, SANDBOX, WRONG_STATE
from cove.server.parts import Caller

MAX_CALL_BYTES = MAX_FRAME - 1024 * 1024
"""The largest body of a call: what fits into a frame to the guest, with its envelope."""

_FOUND = {**ERRORS, 404: NOT_FOUND}


@get("/sessions/{session_id:str}/tools", responses=_FOUND)
async def list_session_tools(
    session_id: FromPath[str], calls: NamedDependency[Calls], caller: NamedDependency[Caller]
) -> ToolList:
    """The tools of a session, with their schemas."""
    return ToolList(tools=await calls.tools_in(caller, SessionId(session_id)))


@post(
    "/sessions/{session_id:str}/tools/{tool:str}",
    status_code=200,
    request_max_body_size=MAX_CALL_BYTES,
    responses={**_FOUND, 409: WRONG_STATE, 502: SANDBOX},
)
async def call_tool(
    session_id: FromPath[str],
    tool: FromPath[str],
    data: JSONBody[CallTool],
    calls: NamedDependency[Calls],
    scope: Scope,
) -> ToolAnswer:
    """Call a tool. A tool that fails is an answer with a `failure`, not an HTTP error."""
    # The caller from the scope: Litestar begins a task for each of two dependencies, an eighth of the call's work.
    outcome = await calls.call(caller_of(scope), SessionId(session_id), tool, data.arguments, data.call_id)
    text = render(tool, outcome) if data.text else None
    return ToolAnswer(structured=outcome.structured, failure=outcome.failure, text=text)


@delete(
    "/sessions/{session_id:str}/calls/{call_id:str}",
    status_code=204,
    responses={**_FOUND, 409: WRONG_STATE, 502: SANDBOX},
)
async def cancel_call(
    session_id: FromPath[str], call_id: FromPath[str], calls: NamedDependency[Calls], caller: NamedDependency[Caller]
) -> None:
    """End a call that runs, with every process that it started."""
    await calls.cancel(caller, SessionId(session_id), call_id)


@get("/images", responses=ERRORS)
async def list_images(images: NamedDependency[Images]) -> ImageList:
    """Every image that sessions can be made from, and every alias."""
    return ImageList(images=images.names())


@get("/images/{image_id:str}/tools", responses=_FOUND)
async def list_image_tools(image_id: FromPath[str], calls: NamedDependency[Calls]) -> ToolList:
    """The tools that a session of this image will have."""
    return ToolList(tools=calls.tools_of(image_id))
