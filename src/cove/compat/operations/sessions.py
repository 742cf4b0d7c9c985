"""Sessions as the clouds' clients know them: made, looked at, listed, paused, kept alive, ended."""

from typing import Any

import msgspec

from cove.compat.operations.known_images import named_by_capability
from cove.compat.operations.registry import Listed, SessionRequest, operation
from cove.compat.operations.service import Doors, Service
from cove.core import api
from cove.core.errors import InvalidInput, SessionNotFound
from cove.core.ids import SessionId
from cove.core.lifetimes import LONGEST
from cove.core.session import ENDED, OnIdle, Session, State

LONGEST_PAGE = 100
"""Who asks for more gets a page of so many, and the token of the next."""
_GONE = "DELETED"
"""A word of the clients for sessions that have ended."""


class CreateSession(msgspec.Struct, frozen=True, kw_only=True):
    """A wish. `idle_timeout` and `max_lifetime` are seconds, whatever the wire counts in."""

    image_id: str = ""
    labels: dict[str, str] = {}
    idle_timeout: float | None = None
    max_lifetime: float | None = None
    manual_release: bool = False
    vpc_resource: bool = False
    persistence_data_list: list[dict[str, Any]] = []
    context_id: str = ""
    network_id: str = ""
    mcp_policy_id: str = ""
    enable_record: bool = False
    load_skill: bool = False
    skills: list[str] = []
    extra_configs: dict[str, Any] = {}


class ToolPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A tool, and the MCP server that it belongs to."""

    name: str
    server: str


class SessionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A session, with all that a client needs to work with it."""

    session_id: str
    status: str
    image_id: str
    app_instance_id: str
    resource_id: str
    resource_url: str
    link_url: str
    ws_url: str
    token: str
    network_interface_ip: str
    http_port: str
    vpc_resource: bool
    tool_list: list[ToolPlace]
    success: bool = True
    err_msg: str = ""


class SessionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A session's state; `end_reason` is empty while it lives."""

    session_id: str
    status: str
    image_id: str
    app_instance_id: str
    end_reason: str
    is_deleted: int


class ListSessions(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions: all labels must fit; `status` and `image_id` may be left out."""

    labels: dict[str, str] = {}
    max_results: int = 10
    next_token: str = ""
    status: str = ""
    image_id: str = ""


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list; `status` is what one small client reads in the place of `session_status`."""

    session_id: str
    session_status: str
    status: str
    app_instance_id: str
    image_id: str


class Desktop(msgspec.Struct, frozen=True, kw_only=True):
    """How a client would show the session's desktop; there is none yet, and the facts are the session's."""

    app_id: str
    auth_code: str
    connection_properties: str
    resource_id: str
    resource_type: str
    ticket: str


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session is looked at."""

    session_id: str
    resource_url: str
    desktop_info: Desktop


@operation(
    "CreateMcpSession",
    "POST /mcp/createSession",
    methods="create",
    refuses={
        "persistence_data_list": "contexts",
        "context_id": "contexts",
        "network_id": "networks",
        "mcp_policy_id": "policies",
        "enable_record": "browser",
        "load_skill": "skills",
        "skills": "skills",
        "extra_configs": "mobile",
    },
    ignores={
        "login_region_id": "a Cove is one region, and every client names one",
        "sdk_stats": "it tells which client asks",
        "external_user_id": "it is the asker's own note, and no client sends it",
        "session_id": "a session is given its id, and no client sends one",
    },
)
async def create_session(service: Service, caller: Any, request: CreateSession) -> SessionFacts:
    """Make a session, released when it lies unused, as in the clouds."""
    wish = api.CreateSession(
        image_id=request.image_id or None,
        labels=request.labels or None,
        idle_timeout=LONGEST if request.manual_release else request.idle_timeout,
        max_lifetime=LONGEST if request.manual_release else request.max_lifetime,
        on_idle=OnIdle.RELEASE,
    )
    with named_by_capability():
        session = await service.create(caller, wish)
    return _facts(service, caller, session, asks_vpc=request.vpc_resource)


@operation("GetSession", "POST /mcp/getSession", methods="get")
async def get_session(service: Service, caller: Any, request: SessionRequest) -> SessionFacts:
    """Take up a session that lives; polled while it is paused and resumed."""
    return _facts(service, caller, await living(service, caller, request.session_id))


@operation("GetSessionDetail", "POST /mcp/getSessionInfo", methods="session.get_status")
async def get_session_detail(service: Service, caller: Any, request: SessionRequest) -> SessionDetail:
    """Look at a session's state, also once it has ended; polled while it is deleted. It counts as no use."""
    session = await service.get(caller, SessionId(request.session_id))
    has_ended = session.state in ENDED
    return SessionDetail(
        session_id=session.id,
        status=State.FINISH.value if has_ended else session.state.value,
        image_id=session.image_id,
        app_instance_id=session.id,
        end_reason=session.end_reason.value if session.end_reason else "",
        is_deleted=int(has_ended),
    )


@operation(
    "ListSession",
    "GET /sdk/ListSession",
    methods="list",
    ignores={"is_all": "all pages together have all sessions"},
)
async def list_sessions(service: Service, caller: Any, request: ListSessions) -> Listed:
    """List the sessions that have all of the labels, newest first."""
    limit = min(request.max_results, LONGEST_PAGE)
    found = await service.find(
        caller,
        labels=request.labels,
        status=_state(request.status),
        image_id=request.image_id or None,
        limit=limit,
        cursor=request.next_token,
    )
    entries = [_entry(session) for session in found.sessions]
    return Listed(data=entries, next_token=found.next_cursor, max_results=limit, total_count=found.total)


def _entry(session: Session) -> SessionEntry:
    status = _GONE if session.state in ENDED else session.state.value
    return SessionEntry(
        session_id=session.id,
        session_status=status,
        status=status,
        app_instance_id=session.id,
        image_id=session.image_id,
    )


def _state(status: str) -> State | None:
    wanted = State.FINISH.value if status.upper() == _GONE else status.upper()
    if wanted and wanted not in State.__members__:
        raise InvalidInput(name="status", value=status[:40], remedy=f"give one of {', '.join(State)}, or {_GONE}")
    return State(wanted) if wanted else None


@operation("DeleteSessionAsync", "POST /mcp/releaseSessionAsync", methods="delete, session.delete")
async def delete_session(service: Service, caller: Any, request: SessionRequest) -> None:
    """Begin to end a session; clients poll until it is gone."""
    await living(service, caller, request.session_id)
    await service.delete(caller, SessionId(request.session_id), wait=False)


@operation("ReleaseMcpSession", "POST /mcp/releaseSession", methods="session.delete of older clients")
async def release_session(service: Service, caller: Any, request: SessionRequest) -> None:
    """End a session; nothing of it is left when this answers."""
    await living(service, caller, request.session_id)
    await service.delete(caller, SessionId(request.session_id), wait=True)


@operation("PauseSessionAsync", "POST /mcp/pauseSessionAsync", methods="session.beta_pause, session.pause")
async def pause_session(service: Service, caller: Any, request: SessionRequest) -> None:
    """Begin to freeze a session: it is PAUSING or PAUSED when this answers."""
    await service.pause(caller, SessionId(request.session_id))


@operation("ResumeSessionAsync", "POST /mcp/resumeSessionAsync", methods="session.beta_resume, session.resume")
async def resume_session(service: Service, caller: Any, request: SessionRequest) -> None:
    """Begin to let a session go on: it is RESUMING or RUNNING when this answers."""
    await service.resume(caller, SessionId(request.session_id))


@operation("RefreshSessionIdleTime", "POST /mcp/refreshSessionIdleTime", methods="session.keep_alive")
async def refresh_idle_time(service: Service, caller: Any, request: SessionRequest) -> None:
    """Count as a use of the session."""
    await service.keep_alive(caller, SessionId(request.session_id))


@operation("GetMcpResource", "POST /mcp/getMcpResource", methods="session.info")
async def get_resource(service: Service, caller: Any, request: SessionRequest) -> Resource:
    """Say where the session is looked at."""
    session = await living(service, caller, request.session_id)
    desktop = Desktop(
        app_id=session.id,
        auth_code="",
        connection_properties="{}",
        resource_id=session.id,
        resource_type="session",
        ticket="",
    )
    url = service.doors(caller, session).resource_url
    return Resource(session_id=session.id, resource_url=url, desktop_info=desktop)


async def living(service: Service, caller: Any, session_id: str) -> Session:
    """The session, if it has not ended; raises SessionNotFound."""
    session = await service.get(caller, SessionId(session_id))
    if session.state in ENDED:
        raise SessionNotFound(session_id=session_id)
    return session


def _facts(service: Service, caller: Any, session: Session, *, asks_vpc: bool = False) -> SessionFacts:
    doors: Doors = service.doors(caller, session)
    return SessionFacts(
        session_id=session.id,
        status=session.state.value,
        image_id=session.image_id,
        app_instance_id=session.id,
        resource_id=session.id,
        resource_url=doors.resource_url,
        link_url=doors.link_url,
        ws_url=doors.ws_url,
        token=doors.token,
        network_interface_ip=doors.network_interface_ip,
        http_port=doors.http_port,
        vpc_resource=asks_vpc and bool(doors.network_interface_ip),
        tool_list=[ToolPlace(name=tool.name, server=tool.server) for tool in service.tools_of(session.image_id)],
    )
