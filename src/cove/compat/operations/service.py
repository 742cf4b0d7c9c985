"""What operations ask of a server. A server gives its use cases this shape; imports never go the other way."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec

from cove.core.api import CreateLink, CreateSession, LinkView
from cove.core.ids import SessionId
from cove.core.results import FileChange
from cove.core.session import Session, State
from cove.core.tool import Outcome, Tool


class Doors(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session is reached past the API; what is empty does not exist here, or not for this caller."""

    resource_url: str = ""
    link_url: str = ""
    ws_url: str = ""
    token: str = ""
    network_interface_ip: str = ""
    http_port: str = ""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A page of sessions; `next_cursor` is empty on the last one, `total` counts all pages."""

    sessions: list[Session]
    next_cursor: str
    total: int


class Service(Protocol):
    """A server's use cases. `caller` is whatever `caller()` gave. Each raises SessionNotFound for others' sessions."""

    async def caller(self, secret: str) -> Any:
        """Whose key this is; raises KeyInvalid, TooManyRequests."""

    async def holder(self, session_id: SessionId, token: str, *, is_socket: bool = False) -> Any:
        """Whoever holds the session's own token: its tenant; raises LinkRefused, SessionNotFound, TooManyRequests."""

    async def create(self, caller: Any, wish: CreateSession) -> Session:
        """A session that runs; raises what is not valid, and Exhausted."""

    async def get(self, caller: Any, session_id: SessionId) -> Session:
        """The session, living or ended."""

    async def find(
        self,
        caller: Any,
        *,
        labels: dict[str, str],
        status: State | None,
        image_id: str | None,
        limit: int,
        cursor: str,
    ) -> Found:
        """A page of sessions, newest first; ended ones only where `status` names their state."""

    async def delete(self, caller: Any, session_id: SessionId, *, wait: bool) -> Session:
        """End it; without `wait`, answer once that is durable."""

    async def pause(self, caller: Any, session_id: SessionId) -> Session:
        """Freeze it, and answer once that is durable; raises WrongState."""

    async def resume(self, caller: Any, session_id: SessionId) -> Session:
        """Let it go on, and answer once that is durable; raises WrongState."""

    async def keep_alive(self, caller: Any, session_id: SessionId) -> None:
        """Count as a use."""

    async def set_labels(self, caller: Any, session_id: SessionId, labels: dict[str, Any]) -> Session:
        """Replace all labels; raises InvalidLabels."""

    async def link(self, caller: Any, session_id: SessionId, wish: CreateLink) -> LinkView:
        """An address of a port; raises InvalidPort, NotSupported."""

    def tools_of(self, image_id: str) -> list[Tool]:
        """The tools that an image offers; raises ImageNotFound."""

    async def call(self, caller: Any, session_id: SessionId, tool: str, arguments: dict[str, Any]) -> Outcome:
        """Run a tool; raises ToolNotFound, InvalidToolArguments, WrongState, SandboxFailed."""

    def watch(
        self, caller: Any, session_id: SessionId, path: str
    ) -> AbstractAsyncContextManager[AsyncIterator[list[FileChange]]]:
        """Changes of files below a path, until the guest tells no more; raises what `call` raises, and ToolFailed."""

    def doors(self, caller: Any, session: Session) -> Doors:
        """Where the session is reached past the API."""
