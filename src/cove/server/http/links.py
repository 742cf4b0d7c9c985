"""Routes under /v1/sessions/{id}/links."""

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody

from cove.core.api import CreateLink, ErrorAnswer, LinkList, LinksRevoked, LinkView
from cove.core.ids import SessionId
from cove.server.http.documents import ERRORS, NOT_FOUND
from cove.server.links import Links
from cove.server.parts import Caller

_FOUND = {**ERRORS, 404: NOT_FOUND}
_TOO_MANY = ResponseSpec(ErrorAnswer, description="The session has as many links as it may have.")
_NO_GATEWAY = ResponseSpec(ErrorAnswer, description="No such link can be had here.")


@post("/sessions/{session_id:str}/links", responses={**_FOUND, 429: _TOO_MANY, 501: _NO_GATEWAY})
async def create_link(
    session_id: FromPath[str],
    data: JSONBody[CreateLink],
    links: NamedDependency[Links],
    caller: NamedDependency[Caller],
) -> LinkView:
    """Make a link to a port from 30100 to 30199. Asked again, a link that never expires is the same one."""
    return await links.create(caller, SessionId(session_id), data)


@get("/sessions/{session_id:str}/links", responses={**_FOUND, 501: _NO_GATEWAY})
async def list_links(
    session_id: FromPath[str], links: NamedDependency[Links], caller: NamedDependency[Caller]
) -> LinkList:
    """The session's links that are neither revoked nor expired."""
    return LinkList(links=await links.list(caller, SessionId(session_id)))


@delete("/sessions/{session_id:str}/links/{link_id:str}", status_code=200, responses=_FOUND)
async def revoke_link(
    session_id: FromPath[str],
    link_id: FromPath[str],
    links: NamedDependency[Links],
    caller: NamedDependency[Caller],
) -> LinksRevoked:
    """Take one link back: what is open through it is cut."""
    await links.revoke(caller, SessionId(session_id), link_id)
    return LinksRevoked(revoked=1)


@delete("/sessions/{session_id:str}/links", status_code=200, responses=_FOUND)
async def revoke_links(
    session_id: FromPath[str], links: NamedDependency[Links], caller: NamedDependency[Caller]
) -> LinksRevoked:
    """Take every link of the session back, and the token of its own."""
    return LinksRevoked(revoked=await links.revoke_all(caller, SessionId(session_id)))
