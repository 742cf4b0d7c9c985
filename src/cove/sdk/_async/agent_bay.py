"""The main class, as AgentBay's documents describe it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from cove.core.api import SessionView
from cove.core.errors import SessionNotFound, TransportFailed
from cove.core.labels import check_labels
from cove.core.limits import Limits
from cove.core.network import NetworkPolicy
from cove.core.session import OnIdle
from cove.sdk._async.cloud import AsyncCloud
from cove.sdk._async.session import AsyncSession
from cove.sdk._settings import client_settings
from cove.sdk._twins import async_unhurried
from cove.sdk._wire.messages import Answer
from cove.sdk._wire.sessions import DELETE_SECONDS
from cove.sdk.params import Config, CreateSessionParams
from cove.sdk.results import (
    DeleteResult,
    SessionListResult,
    SessionPauseResult,
    SessionResult,
    SessionResumeResult,
)


class AsyncAgentBay(AsyncCloud):
    """Makes sessions and finds them again.

    Without arguments it speaks to the Cove that `COVE_ENDPOINT` and `COVE_API_KEY` name, or else to this user's own.
    `endpoint` is `http://HOST:PORT`, `https://HOST` or `unix:///PATH`; `env_file` names a file of `NAME=value` lines
    that stand in where the environment is silent. Raises InvalidSetting.
    """

    def __init__(
        self,
        api_key: str = "",
        cfg: Config | None = None,
        env_file: str | None = None,
        *,
        endpoint: str | None = None,
    ) -> None:
        super().__init__(client_settings(api_key, endpoint, cfg, env_file))

    async def create(
        self, params: CreateSessionParams | None = None, *, idempotency_key: str | None = None
    ) -> SessionResult[AsyncSession]:
        """Make a session. Raises InvalidInput for params that no server would take.

        Asked for again with the same `idempotency_key`, also by another program, it gives the session made before.
        """
        return self._session_result(await self._create(params or CreateSessionParams(), idempotency_key))

    async def get_or_create(self, params: CreateSessionParams) -> SessionResult[AsyncSession]:
        """The oldest living session that has all of `params.labels`, and the image if one is named; else a new one.

        Whoever asks at the same time gets the same session. Raises InvalidLabels where there are none.
        """
        check_labels(params.labels)
        return self._session_result(await self._create(params, reuse=True))

    async def get(self, session_id: str) -> SessionResult[AsyncSession]:
        """The session with this id, unless it has ended."""
        return self._session_result(await self._get(session_id))

    def _session_result(self, answer: Answer[SessionView]) -> SessionResult[AsyncSession]:
        if answer.error is not None:
            return SessionResult(**answer.facts())
        view = answer.get()
        session = AsyncSession(self, view.session_id)
        session._learn(view)
        return SessionResult(**answer.facts(), session=session)

    async def delete(self, session: AsyncSession, sync_context: bool = False) -> DeleteResult:
        """Delete a session with all that is in it."""
        return await session.delete(sync_context)

    async def beta_pause(
        self,
        session: AsyncSession,
        timeout: int = 600,  # noqa: ASYNC109 - the official name
        poll_interval: float = 2.0,
    ) -> SessionPauseResult:
        """The same as `session.pause`."""
        return await session.pause(timeout, poll_interval)

    async def beta_resume(
        self,
        session: AsyncSession,
        timeout: int = 600,  # noqa: ASYNC109 - the official name
        poll_interval: float = 2.0,
    ) -> SessionResumeResult:
        """The same as `session.resume`."""
        return await session.resume(timeout, poll_interval)

    pause = beta_pause
    resume = beta_resume

    @asynccontextmanager
    async def open(  # noqa: PLR0913 - one argument for each field of CreateSessionParams
        self,
        image_id: str | None = None,
        labels: dict[str, str] | None = None,
        *,
        idle_release_timeout: float | None = None,
        max_lifetime: float | None = None,
        limits: Limits | dict[str, Any] | None = None,
        on_idle: OnIdle | str | None = None,
        network: NetworkPolicy | dict[str, Any] | str | None = None,
    ) -> AsyncIterator[AsyncSession]:
        """A session for the length of a block; it is deleted at the end, however the block ends.

        Takes what CreateSessionParams takes. Raises what refuses the session.
        """
        params = CreateSessionParams(
            labels=labels,
            image_id=image_id,
            idle_release_timeout=idle_release_timeout,
            max_lifetime=max_lifetime,
            limits=limits,
            on_idle=on_idle,
            network=network,
        )
        made = await self.create(params)
        session = made.unwrap()
        try:
            yield session
        except BaseException:
            with suppress(TransportFailed), async_unhurried(DELETE_SECONDS):  # what went wrong first is what counts
                await session.delete()
            raise
        with async_unhurried(DELETE_SECONDS):
            deleted = await session.delete()
        if not isinstance(deleted.cause, SessionNotFound):
            deleted.unwrap()

    async def list(
        self,
        labels: dict[str, str] | None = None,
        page: int | None = None,
        limit: int | None = None,
        status: str | None = None,
        image_id: str | None = None,
    ) -> SessionListResult:
        """Sessions that live and match all filters, newest first, `limit` (10, at most 100) to a page, pages from 1."""
        answer = await self._page(labels, page, limit, status, image_id)
        if answer.error is not None:
            return SessionListResult(**answer.facts())
        found = answer.get()
        return SessionListResult(
            **answer.facts(),
            session_ids=[_entry(view) for view in found.sessions],
            sessions=found.sessions,
            next_token=found.next_cursor,
            max_results=limit or len(found.sessions),
            total_count=found.total,
        )


def _entry(view: SessionView) -> dict[str, str]:
    return {"sessionId": view.session_id, "sessionStatus": view.state, "imageId": view.image_id}
