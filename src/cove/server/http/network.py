"""Routes under /v1/sessions/{id}/network: what a session may reach, and what it did."""

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody

from cove.core.api import ConnectionList, NetworkView, SetNetwork
from cove.core.ids import SessionId
from cove.core.network import check_policy
from cove.server.http.documents import ERRORS, NOT_FOUND, SANDBOX
from cove.server.network import Networks
from cove.server.parts import Caller

_FOUND = {**ERRORS, 404: NOT_FOUND}


@get("/sessions/{session_id:str}/network", responses=_FOUND)
async def get_network(
    session_id: FromPath[str], networks: NamedDependency[Networks], caller: NamedDependency[Caller]
) -> NetworkView:
    """What the session may reach now."""
    return NetworkView(network=await networks.get(caller, SessionId(session_id)))


@put("/sessions/{session_id:str}/network", responses={**_FOUND, 502: SANDBOX})
async def set_network(
    session_id: FromPath[str],
    data: JSONBody[SetNetwork],
    networks: NamedDependency[Networks],
    caller: NamedDependency[Caller],
) -> NetworkView:
    """Change what the session may reach, while it runs; open connections that it may not have any more are cut."""
    return NetworkView(network=await networks.set(caller, SessionId(session_id), check_policy(data.network)))


@get("/sessions/{session_id:str}/network/log", responses={**_FOUND, 502: SANDBOX})
async def get_connections(
    session_id: FromPath[str],
    networks: NamedDependency[Networks],
    caller: NamedDependency[Caller],
    after: FromQuery[int] = 0,
) -> ConnectionList:
    """Connections that have ended, oldest first, at most 200 after number `after`; below 0, so many of the last."""
    found = await networks.connections(caller, SessionId(session_id), after)
    return ConnectionList(connections=found, after=found[-1].number if found else max(after, 0))
