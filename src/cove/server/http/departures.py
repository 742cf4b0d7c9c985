"""Clients that hang up before all of their request has come. The framework takes that for a failure of the server's."""

from typing import Any

from litestar.types import Receive

_HAS_LEFT = "has_left"


def noting_who_leaves(scope: Any, receive: Receive) -> Receive:
    """A `receive` that remembers it."""

    async def receiver() -> Any:
        message = await receive()
        if message["type"] == "http.disconnect":
            scope["state"][_HAS_LEFT] = True
        return message

    return receiver


def has_left(scope: Any) -> bool:
    """Whether the client is known to be gone."""
    return _HAS_LEFT in scope["state"]
