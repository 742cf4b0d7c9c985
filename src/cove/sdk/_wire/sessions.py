"""Requests about sessions."""

from typing import Any

import msgspec

from cove.core.api import CreateSession, Labels, MetricsView, SessionPage, SessionView, ToolList
from cove.core.errors import InvalidInput
from cove.core.labels import check_labels
from cove.sdk._wire.messages import Nothing, Request, body_of, segment

CREATE_SECONDS = 180.0
DELETE_SECONDS = 180.0


def session_path(session_id: Any, *rest: str) -> str:
    """The path of a session, or of something below it."""
    return "/".join(("/v1/sessions", segment("session_id", session_id), *rest))


def create(wanted: CreateSession, key: str) -> Request[SessionView]:
    """Make a session; `key` makes it safe to send again."""
    return Request(
        method="POST",
        path="/v1/sessions",
        shape=SessionView,
        body=body_of("params", {k: v for k, v in msgspec.structs.asdict(wanted).items() if v not in (None, False)}),
        headers={"Idempotency-Key": key},
        read_timeout=CREATE_SECONDS,
    )


def view(session_id: str) -> Request[SessionView]:
    """Look at one session."""
    return Request(method="GET", path=session_path(session_id), shape=SessionView)


def page(
    *, labels: dict[str, str] | None, status: str | None, image_id: str | None, limit: int
) -> Request[SessionPage]:
    """One page of sessions, newest first; labels must all match."""
    wanted = {"status": status, "image_id": image_id, "limit": limit}
    query = [(name, str(value)) for name, value in wanted.items() if value]
    query += [("label", f"{name}={value}") for name, value in (check_labels(labels) if labels else {}).items()]
    return Request(method="GET", path="/v1/sessions", shape=SessionPage, query=tuple(query))


def next_page(request: Request[SessionPage], cursor: str) -> Request[SessionPage]:
    """The page that follows the one a request asked for."""
    query = tuple(pair for pair in request.query if pair[0] != "cursor")
    return msgspec.structs.replace(request, query=(*query, ("cursor", cursor)))


def delete(session_id: str, sync_context: bool) -> Request[Nothing]:
    """End a session; answered when nothing of it is left."""
    query = (("sync_context", "true"),) if sync_context else ()
    path = session_path(session_id)
    return Request(method="DELETE", path=path, shape=Nothing, query=query, read_timeout=DELETE_SECONDS)


def set_labels(session_id: str, labels: dict[str, str]) -> Request[Nothing]:
    """Replace a session's labels."""
    body = body_of("labels", {"labels": check_labels(labels)})
    return Request(method="PUT", path=session_path(session_id, "labels"), shape=Nothing, body=body)


def get_labels(session_id: str) -> Request[Labels]:
    """A session's labels."""
    return Request(method="GET", path=session_path(session_id, "labels"), shape=Labels)


def move(session_id: str, verb: str, *, wait: bool, timeout: float | None = None) -> Request[SessionView]:
    """Pause or resume. Never sent twice: the second would be refused by the state that the first one made."""
    return Request(
        method="POST",
        path=session_path(session_id, verb),
        shape=SessionView,
        query=(("wait", str(wait).lower()),),
        read_timeout=timeout,
        repeatable=False,
    )


def keep_alive(session_id: str) -> Request[Nothing]:
    """Count as use of the session."""
    return Request(method="POST", path=session_path(session_id, "keep-alive"), shape=Nothing)


def metrics(session_id: str, read_timeout: float | None, connect_timeout: float | None) -> Request[MetricsView]:
    """A session's use of the machine."""
    return Request(
        method="GET",
        path=session_path(session_id, "metrics"),
        shape=MetricsView,
        read_timeout=positive("read_timeout", read_timeout),
        connect_timeout=positive("connect_timeout", connect_timeout),
    )


def tools(session_id: str, image_id: str | None) -> Request[ToolList]:
    """The tools of a session, or of an image."""
    path = f"/v1/images/{segment('image_id', image_id)}/tools" if image_id else session_path(session_id, "tools")
    return Request(method="GET", path=path, shape=ToolList)


def positive(name: str, seconds: float | None) -> float | None:
    """Give a timeout back if it is one; raises InvalidInput."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        raise InvalidInput(name=name, value=seconds, remedy="give a number more than 0")
    return float(seconds)
