"""One SQLite file, one connection, one thread: a write is whole, and durable when it returns.

The work is given as functions of a SQLAlchemy connection and run in the thread, so that a transaction costs one change
of threads; through an asynchronous driver each statement costs seven, which is most of a pause.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from cove.core.errors import DiskFull
from cove.server.store.schema import upgrade

T = TypeVar("T")
Work = Callable[[Connection], T]

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON")


class Database:
    """Runs functions of the connection, one at a time; one that has begun ends, even if its caller goes away.

    `on_full` is called when the disk is full; if it says that it made room, the write is tried once more.
    """

    def __init__(self, connection: Connection, thread: ThreadPoolExecutor, on_full: Callable[[], bool]) -> None:
        self._connection = connection
        self._thread = thread
        self._on_full = on_full

    async def read(self, work: Work[T]) -> T:
        """What `work` finds; it must not write."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._connection)

    async def write(self, work: Work[T]) -> T:
        """Run `work` in a transaction of its own; it is on the disk when this returns."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._write, work)

    def _write(self, work: Work[T]) -> T:
        try:
            return _transaction(self._connection, work)
        except OperationalError as error:
            if not _is_full(error):
                raise
            return self._write_with_room(work, error)

    def _write_with_room(self, work: Work[T], error: OperationalError) -> T:
        """Once more, if room can be made; raises DiskFull."""
        full = DiskFull(file=self._connection.engine.url.database)
        if not self._on_full():
            raise full from error
        try:
            return _transaction(self._connection, work)
        except OperationalError as again:
            raise full if _is_full(again) else again from error


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


def _connect(file: Path) -> Connection:
    engine = create_engine(
        f"sqlite:///{file}",
        poolclass=StaticPool,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
    )
    event.listen(engine, "connect", _prepare)
    connection = engine.connect()
    _transaction(connection, upgrade)
    return connection


def _disconnect(connection: Connection) -> None:
    connection.close()
    connection.engine.dispose()


@asynccontextmanager
async def open_database(file: Path, on_full: Callable[[], bool] = lambda: False) -> AsyncIterator[Database]:
    """The database in `file`, made and brought to the newest schema where needed."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, "cove-store") as thread:
        connection = await loop.run_in_executor(thread, _connect, file)
        try:
            yield Database(connection, thread, on_full)
        finally:
            await loop.run_in_executor(thread, _disconnect, connection)
