"""What releases of the client say in different ways."""

from collections.abc import Callable
from typing import Any

from tests.contract.clients import Client
from tests.contract.far import RaisedError


def ids(listed: Any) -> list[str]:
    """The sessions of a list: first clients give their ids, later ones facts about them."""
    assert listed.success, listed
    return [entry["sessionId"] if isinstance(entry, dict) else entry for entry in listed.session_ids]


def refusal(method: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What a client shows of a refusal: some methods raise where others give a failed result."""
    try:
        answer = method(*args, **kwargs)
    except RaisedError as error:
        return str(error)
    assert not answer.success, answer
    return str(answer.error_message if answer.has("error_message") else answer.error)


def moves(client: Client, session: Any) -> tuple[Any, Any]:
    """How a session is paused and resumed, by the names of the client's release."""
    prefix = "beta_" if client.release >= (0, 15) else ""
    return getattr(session, f"{prefix}pause"), getattr(session, f"{prefix}resume")
