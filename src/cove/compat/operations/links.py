"""Links into sessions: the address of a port."""

import re
from typing import Any

import msgspec

from cove.compat.operations.registry import operation
from cove.compat.operations.service import Service
from cove.core.api import CreateLink
from cove.core.ids import SessionId


class GetLink(msgspec.Struct, frozen=True, kw_only=True):
    """Which port. It arrives as a number or as a text, and is refused in the words that scripts look for."""

    session_id: str = ""
    protocol_type: str = ""
    port: str | int | float | None = None
    option: str = ""


class LinkAddress(msgspec.Struct, frozen=True, kw_only=True):
    """What to open."""

    url: str


@operation(
    "GetLink",
    "GET /internet/getLink",
    "GET /mcp/getLink",
    methods="session.get_link",
    ignores={"option": "a text of which the clouds tell no meaning"},
)
async def get_link(service: Service, caller: Any, request: GetLink) -> LinkAddress:
    """Give the address of a port of the session, 30100 to 30199."""
    wish = CreateLink(
        port=_number(request.port), protocol_type=request.protocol_type or None, options=request.option or None
    )
    link = await service.link(caller, SessionId(request.session_id), wish)
    return LinkAddress(url=link.url)


def _number(port: str | float | None) -> str | float | None:
    """The port as the number that its text says, where it says a whole one.

    >>> _number("30150"), _number("30150.5"), _number("")
    (30150, '30150.5', None)
    """
    if isinstance(port, str) and re.fullmatch("[0-9]{1,9}", port):
        return int(port)
    return None if port == "" else port
