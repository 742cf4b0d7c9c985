"""Routes under /v1/sessions, but for tools."""

from typing import Annotated

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody

from cove.core.api import CreateSession, Labels, MetricsView, SessionPage, SessionView
from cove.core.errors import InvalidInput
from cove.core.ids import SessionId
from cove.core.session import State
from cove.server.http.documents import ERRORS, FULL, NOT_FOUND, QUOTA, SANDBOX, WRONG_STATE
from cove.server.http.views import View
from cove.server.parts import Caller
from cove.server.sandboxes import Sandboxes
from cove.server.store.sessions import Wanted

_FOUND = {**ERRORS, 404: NOT_FOUND}
_MOVED = {**_FOUND, 409: WRONG_STATE, 502: SANDBOX}


@post("/sessions", responses={**_MOVED, 429: QUOTA, 503: FULL})
async def create_session(
    data: JSONBody[CreateSession],
    sandboxes: NamedDependency[Sandboxes],
    view: NamedDependency[View],
    caller: NamedDependency[Caller],
    create_key: Annotated[str | None, HeaderParameter(name="Idempotency-Key")] = None,
) -> SessionView:
    """Create a session. Repeated with the same `Idempotency-Key`, it gives the session made the first time.

    With `reuse`, the oldest living session that has all the labels (and the image, if one is named) is given instead of
    a new one; asked for at once, by whomever of the tenant, all get the same.
    """
    return view.owned(await sandboxes.create(caller, data, create_key), caller)


@get("/sessions", responses=ERRORS)
async def list_sessions(  # noqa: PLR0913, PLR0917 - a route's parameters are its wire form
    sandboxes: NamedDependency[Sandboxes],
    view: NamedDependency[View],
    caller: NamedDependency[Caller],
    label: FromQuery[list[str] | None] = None,
    status: FromQuery[str | None] = None,
    image_id: FromQuery[str | None] = None,
    limit: FromQuery[int] = 10,
    cursor: FromQuery[str] = "",
) -> SessionPage:
    """List sessions, newest first. `label` is `name=value` and may be repeated; ended ones show only by `status`."""
    wanted = Wanted(labels=labels_in(label or []), status=_state(status), image_id=image_id)
    page = await sandboxes.list(caller, wanted, limit=limit, cursor=cursor)
    views = [view.session(session) for session in page.sessions]
    return SessionPage(sessions=views, next_cursor=page.next_cursor, total=page.total)


@get("/sessions/{session_id:str}", responses=_FOUND)
async def get_session(
    session_id: FromPath[str],
    sandboxes: NamedDependency[Sandboxes],
    view: NamedDependency[View],
    caller: NamedDependency[Caller],
) -> SessionView:
    """Look at a session; an ended one shows its `end_reason`."""
    return view.owned(await sandboxes.get(caller, SessionId(session_id)), caller)


@delete("/sessions/{session_id:str}", status_code=200, responses={**_FOUND, 502: SANDBOX})
async def delete_session(
    session_id: FromPath[str],
    sandboxes: NamedDependency[Sandboxes],
    view: NamedDependency[View],
    caller: NamedDependency[Caller],
    sync_context: FromQuery[bool] = False,
    wait: FromQuery[bool] = True,
) -> SessionView:
    """Delete a session; nothing of it is left when this answers, but with `wait=false`. `sync_context` is for later."""
    return view.session(await sandboxes.delete(caller, SessionId(session_id), wait=wait))


@get("/sessions/{session_id:str}/labels", responses=_FOUND)
async def get_labels(
    session_id: FromPath[str], sandboxes: NamedDependency[Sandboxes], caller: NamedDependency[Caller]
) -> Labels:
    """The session's labels."""
    return Labels(labels=(await sandboxes.get(caller, SessionId(session_id))).labels)


@put("/sessions/{session_id:str}/labels", responses=_FOUND)
async def set_labels(
    session_id: FromPath[str],
    data: JSONBody[Labels],
    sandboxes: NamedDependency[Sandboxes],
    caller: NamedDependency[Caller],
) -> Labels:
    """Replace all labels."""
    return Labels(labels=(await sandboxes.set_labels(caller, SessionId(session_id), data.labels)).labels)


@post("/sessions/{session_id:str}/pause", status_code=200, responses=_MOVED)
async def pause_session(
    session_id: FromPath[str],
    sandboxes: NamedDependency[Sandboxes],
    view: NamedDependency[View],
    caller: NamedDependency[Caller],
    wait: FromQuery[bool] = True,
) -> SessionView:
    """Freeze every process of the session. With `wait=false` the answer says PAUSING."""
    return view.session(await sandboxes.pause(caller, SessionId(session_id), wait=wait))


@post("/sessions/{session_id:str}/resume", status_code=200, responses=_MOVED)
async def resume_session(
    session_id: FromPath[str],
    sandboxes: NamedDependency[Sandboxes],
    view: NamedDependency[View],
    caller: NamedDependency[Caller],
    wait: FromQuery[bool] = True,
) -> SessionView:
    """Let a paused session go on. With `wait=false` the answer says RESUMING."""
    return view.session(await sandboxes.resume(caller, SessionId(session_id), wait=wait))


@post("/sessions/{session_id:str}/keep-alive", status_code=204, responses=_FOUND)
async def keep_alive(
    session_id: FromPath[str], sandboxes: NamedDependency[Sandboxes], caller: NamedDependency[Caller]
) -> None:
    """Count as a use of the session, so that it is not idle."""
    await sandboxes.keep_alive(caller, SessionId(session_id))


@get("/sessions/{session_id:str}/metrics", responses={**_FOUND, 502: SANDBOX})
async def get_metrics(
    session_id: FromPath[str], sandboxes: NamedDependency[Sandboxes], caller: NamedDependency[Caller]
) -> MetricsView:
    """What the session uses, measured from outside; it does not count as a use."""
    return MetricsView(metrics=await sandboxes.metrics(caller, SessionId(session_id)))


def labels_in(pairs: list[str]) -> dict[str, str]:
    """Labels from `name=value` texts; raises InvalidInput."""
    split = [pair.partition("=") for pair in pairs]
    for (name, mark, _), pair in zip(split, pairs, strict=True):
        if not name or not mark:
            raise InvalidInput(name="label", value=pair, remedy="write it as name=value")
    return {name: value for name, _, value in split}


def _state(status: str | None) -> State | None:
    try:
        return None if status is None else State(status.upper())
    except ValueError as error:
        raise InvalidInput(name="status", value=status, remedy=f"give one of {', '.join(State)}") from error
