"""Labels of sessions: a whole map, read and replaced."""

from typing import Any

import msgspec

from cove.compat.operations.registry import Listed, SessionRequest, operation
from cove.compat.operations.service import Service
from cove.compat.operations.sessions import living
from cove.core.ids import SessionId


class SetLabels(msgspec.Struct, frozen=True, kw_only=True):
    """All labels that the session shall have."""

    session_id: str = ""
    labels: dict[str, Any] = {}


class LabelMap(msgspec.Struct, frozen=True, kw_only=True):
    """All labels that the session has."""

    labels: dict[str, str]


@operation("SetLabel", "POST /sdk/SetLabel", methods="session.set_labels")
async def set_labels(service: Service, caller: Any, request: SetLabels) -> None:
    """Replace all labels of a session."""
    await service.set_labels(caller, SessionId(request.session_id), request.labels)


@operation(
    "GetLabel",
    "GET /sdk/GetLabel",
    methods="session.get_labels",
    ignores={"max_results": "one page has all labels", "next_token": "there is no second page"},
)
async def get_labels(service: Service, caller: Any, request: SessionRequest) -> Listed:
    """Give all labels of a session, on one page."""
    session = await living(service, caller, request.session_id)
    count = len(session.labels)
    return Listed(data=LabelMap(labels=session.labels), max_results=count, total_count=count)
