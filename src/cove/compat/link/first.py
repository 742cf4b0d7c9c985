"""The answer to `GET /callTool`, as AgentBay's clients up to 0.14 ask within the same network."""

from typing import Any

from cove.compat.operations.tools import result_of
from cove.core.tool import Outcome

_SHOWS_AS_IT_COMES = "python-requests/"
"""What clients up to 0.12 fetch with; 0.13 and 0.14, which take a command's result apart, come with httpx.

Nothing else of a request tells one from the other.
"""


def first_result(tool: str, outcome: Outcome, user_agent: str, request_id: str) -> dict[str, Any]:
    """What a tool gave, in the shape that all of them read; a command that failed has the asker's own id of it."""
    result = result_of(tool, outcome, plain=user_agent.startswith(_SHOWS_AS_IT_COMES), trace_id=request_id)
    return {"content": [{"type": each.type, "text": each.text} for each in result.content], "isError": result.is_error}
