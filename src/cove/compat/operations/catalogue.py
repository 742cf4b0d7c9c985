"""Every operation there is, found by the names that each wire has for it."""

from cove.compat.operations.capabilities import NOT_BUILT
from cove.compat.operations.labels import get_labels, set_labels
from cove.compat.operations.links import get_link
from cove.compat.operations.registry import Operation
from cove.compat.operations.sessions import (
    create_session,
    delete_session,
    get_resource,
    get_session,
    get_session_detail,
    list_sessions,
    pause_session,
    refresh_idle_time,
    release_session,
    resume_session,
)
from cove.compat.operations.tools import call_tool, list_tools

OPERATIONS: tuple[Operation, ...] = (
    create_session,
    get_session,
    get_session_detail,
    list_sessions,
    delete_session,
    release_session,
    pause_session,
    resume_session,
    refresh_idle_time,
    get_resource,
    set_labels,
    get_labels,
    get_link,
    list_tools,
    call_tool,
    *NOT_BUILT,
)
ACTIONS: dict[str, Operation] = {operation.action: operation for operation in OPERATIONS}
"""By AgentBay's action."""
ENDPOINTS: dict[str, Operation] = {endpoint: operation for operation in OPERATIONS for endpoint in operation.agb}
"""By AGB's method and path, as `POST /mcp/createSession`."""
