"""A client of one Cove: what AgentBay's and AGB's main classes have in common."""

# Generated from _async/cloud.py by dev/generate.py: change that, then run `python dev/generate.py`.

import os
from types import TracebackType
from typing import Self

from cove.core.api import SessionPage, SessionView
from cove.core.errors import InvalidInput, SessionNotFound
from cove.core.session import ENDED
from cove.sdk._settings import ClientSettings
from cove.sdk._sync.server import Server
from cove.sdk._sync.transport import Transport
from cove.sdk._wire import sessions
from cove.sdk._wire.messages import Answer
from cove.sdk.params import CreateSessionParams

DEFAULT_LIMIT = 10


class Cloud:
    """Holds the connections to one server. Safe to share; `close()`, or the end of the program, lets go of them."""

    def __init__(self, settings: ClientSettings) -> None:
        self.transport = Transport(settings)
        self.server = Server(self.transport)
        self.api_key = settings.api_key

    def __repr__(self) -> str:
        return f"{type(self).__name__}(endpoint={self.transport.endpoint!r})"

    def close(self) -> None:
        """Close the connections; the sessions live on."""
        self.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _create(
        self, params: CreateSessionParams, key: str | None = None, *, reuse: bool = False
    ) -> Answer[SessionView]:
        """Make a session, or find one; a lost answer is asked for again and makes no second one."""
        wanted = params.to_wire()
        wanted.reuse = reuse
        return self.transport.ask(sessions.create(wanted, os.urandom(16).hex() if key is None else key))

    def _get(self, session_id: str) -> Answer[SessionView]:
        """Look at a session that has not ended."""
        answer = self.transport.ask(sessions.view(session_id))
        if answer.error is None and answer.get().state in ENDED:
            return answer.refuse(SessionNotFound(session_id=session_id))
        return answer

    def _page(
        self,
        labels: dict[str, str] | None,
        page: int | None,
        limit: int | None,
        status: str | None = None,
        image_id: str | None = None,
    ) -> Answer[SessionPage]:
        """Page `page`, from 1, reached over those before it; past the last one it is empty."""
        request = sessions.page(
            labels=labels, status=status, image_id=image_id, limit=_count("limit", limit, DEFAULT_LIMIT)
        )
        later_pages = _count("page", page, 1) - 1
        answer = self.transport.ask(request)
        for _ in range(later_pages):
            if answer.error is not None:
                break
            before = answer.get()
            if not before.next_cursor:
                return answer.carry(SessionPage(sessions=[], total=before.total))
            answer = self.transport.ask(sessions.next_page(request, before.next_cursor))
        return answer


def _count(name: str, value: int | None, default: int) -> int:
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidInput(name=name, value=value, remedy="give a whole number from 1")
    return value
