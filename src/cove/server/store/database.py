"""One SQLite file and one connection to it: a write is durable when it returns, and writes wait for each other here."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from cove.server.store.schema import upgrade

T = TypeVar("T")
Work = Callable[[Connection], T]

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON")


class Database:
    """Runs functions of a SQLAlchemy connection, one at a time, each whole or not at all.

    `on_full` is called when the disk is full; if it says that it made room, the write is tried once more.
    """

    def __init__(self, connection: AsyncConnection, on_full: Callable[[], bool]) -> None:
        self._connection = connection
        self._turn = asyncio.Lock()
        self._on_full = on_full

    async def read(self, work: Work[T]) -> T:
        """What `work` finds; it must not write."""
        return await self._whole(work)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction of its own; it is on the disk when this returns."""
        try:
            return await self._whole(lambda connection: _transaction(connection, work))
        except OperationalError as error:
            if not _is_full(error) or not self._on_full():
                raise
            return await self._whole(lambda connection: _transaction(connection, work))

    async def _whole(self, work: Work[T]) -> T:
        # Shielded: a request that goes away must not take the only connection down in the middle of a statement.
        return await asyncio.shield(asyncio.ensure_future(self._in_turn(work)))

    async def _in_turn(self, work: Work[T]) -> T:
        async with self._turn:
            return await self._connection.run_sync(work)


def _transaction(connection: Connection, work: Work[T]) -> T:
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        result = work(connection)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    return result


def _is_full(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def _prepare(dbapi_connection: Any, _record: Any) -> None:
    dbapi_connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = dbapi_connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@asynccontextmanager
async def open_database(file: Path, on_full: Callable[[], bool] = lambda: False) -> AsyncIterator[Database]:
    """The database in `file`, made and brought to the newest schema where needed."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{file}",
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    try:
        async with engine.connect() as connection:
            database = Database(connection, on_full)
            await database.write(upgrade)
            yield database
            async with database._turn:  # what is under way ends before the connection goes
                pass
    finally:
        await engine.dispose()
