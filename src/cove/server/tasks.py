"""Work that must end well even when the request that asked for it has gone away."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import structlog

T = TypeVar("T")
log = structlog.get_logger("cove.server")


class Tasks:
    """A group of tasks as old as the server; `running_tasks` opens one."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work`, which goes on if the waiting is cancelled."""
        result = self._start(work)
        try:
            return await asyncio.shield(result)
        except asyncio.CancelledError:
            result.add_done_callback(_report)
            raise

    async def begin(self, work: Coroutine[Any, Any, T], begun: asyncio.Future[T], patience: float = 0.0) -> T:
        """Wait until `work` sets `begun` or ends, and then for so many seconds more until it ends well.

        What is left of it goes on, and its failure is logged.
        """
        result = self._start(work)
        await asyncio.wait({result, begun}, return_when=asyncio.FIRST_COMPLETED)
        if patience and not result.done():
            await asyncio.wait({result}, timeout=patience)
        if result.done() and not (begun.done() and result.exception()):
            return result.result()
        result.add_done_callback(_report)
        return begun.result()

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let `work` run; its failure is logged."""
        self._start(work).add_done_callback(_report)

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._group.create_task(_settle(work, result))
        return result


async def _settle(work: Coroutine[Any, Any, T], result: asyncio.Future[T]) -> None:
    try:
        result.set_result(await work)
    except asyncio.CancelledError:
        result.cancel()
        raise
    except Exception as error:  # noqa: BLE001 - whoever waits for `result` raises it; else `_report` logs it
        result.set_exception(error)


def _report(result: asyncio.Future[Any]) -> None:
    if not result.cancelled() and (error := result.exception()) is not None:
        log.error("background work failed", exc_info=error)


@asynccontextmanager
async def running_tasks(shutdown_seconds: float) -> AsyncIterator[Tasks]:
    """Tasks that are given `shutdown_seconds` to end when the block is left, and are cancelled then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(None) as limit, asyncio.TaskGroup() as group:
            yield Tasks(group)
            limit.reschedule(asyncio.get_running_loop().time() + shutdown_seconds)
