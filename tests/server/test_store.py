"""The schema and the transactions underneath."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from cove.core.errors import DiskFull
from cove.core.ids import ImageId, SessionId, TenantId
from cove.core.limits import Limits
from cove.core.network import NetworkPolicy
from cove.core.session import OnIdle, Session, State
from cove.server.store import sessions as rows
from cove.server.store.database import open_database
from cove.server.store.schema import HEAD, MIGRATIONS
from cove.server.store.tables import metadata

pytestmark = pytest.mark.anyio


async def test_migrated_schema_is_the_one_the_tables_say(tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with open_database(tmp_path / "cove.db") as database:
        assert await database.read(differences) == []


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_tables_load_no_database_that_is_not_used() -> None:
    """PostgreSQL's dialect takes a tenth of a second of each start."""
    code = "import cove.server.store.tables, sys; print([name for name in sys.modules if 'postgresql' in name])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


async def test_database_opens_again_with_what_was_written(tmp_path: Path) -> None:
    insert = "INSERT INTO keys VALUES ('k', 't', 1, 'p', 'd', 1.0, NULL, NULL, '')"
    async with open_database(tmp_path / "cove.db") as database:
        await database.write(lambda connection: connection.exec_driver_sql(insert).rowcount)
    async with open_database(tmp_path / "cove.db") as database:
        select = "SELECT id FROM keys"
        assert await database.read(lambda connection: connection.exec_driver_sql(select).scalar()) == "k"


async def test_session_reads_back_as_it_was_written(tmp_path: Path) -> None:
    session = Session(
        id=SessionId("s-1"),
        tenant=TenantId("local"),
        image_id=ImageId("host"),
        state=State.CREATING,
        version=1,
        labels={"a": "b"},
        limits=Limits(),
        idle_timeout=1.0,
        max_lifetime=2.0,
        created_at=3.0,
        slot=0,
        on_idle=OnIdle.RELEASE,
        network=NetworkPolicy(mode="rules", allow=("example.org",)),
        link_generation=4,
        image_fingerprint="host-1",
    )
    async with open_database(tmp_path / "cove.db") as database:
        await database.write(lambda connection: rows.add(connection, session, 1))
        assert await database.read(lambda connection: rows.find(connection, session.id)) == session


async def test_write_on_a_disk_that_stays_full_says_so_and_changes_nothing(tmp_path: Path) -> None:
    def fill(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")
        connection.exec_driver_sql("INSERT INTO keys VALUES ('k', 't', 1, ?, 'd', 1.0, NULL, NULL, '')", ("x" * 10**5,))

    async with open_database(tmp_path / "cove.db") as database:
        with pytest.raises(DiskFull, match=r"cove\.db is full"):
            await database.write(fill)
        count = "SELECT count(*) FROM keys"
        assert await database.read(lambda connection: connection.exec_driver_sql(count).scalar()) == 0


async def test_every_commit_is_synchronous(tmp_path: Path) -> None:
    def pragmas(connection: Connection) -> list[object]:
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]

    async with open_database(tmp_path / "cove.db") as database:
        assert await database.read(pragmas) == ["wal", 2]


async def test_write_on_a_full_disk_is_tried_again_once_room_was_made(tmp_path: Path) -> None:
    asked: list[Connection] = []

    def make_room() -> bool:
        asked[0].exec_driver_sql("PRAGMA max_page_count = 1000000")
        asked.append(asked[0])
        return len(asked) == 2

    def fill(connection: Connection) -> int:
        text = "x" * 100_000
        return connection.exec_driver_sql(
            "INSERT INTO keys VALUES ('k', 't', 1, ?, 'd', 1.0, NULL, NULL, '')", (text,)
        ).rowcount

    def limit(connection: Connection) -> None:
        asked.append(connection)
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    async with open_database(tmp_path / "cove.db", make_room) as database:
        await database.read(limit)
        assert await database.write(fill) == 1
        assert len(asked) == 2


async def test_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def half(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO keys VALUES ('k', 't', 1, 'p', 'd', 1.0, NULL, NULL, '')")
        connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

    async with open_database(tmp_path / "cove.db") as database:
        with pytest.raises(OperationalError):
            await database.write(half)
        count = "SELECT count(*) FROM keys"
        assert await database.read(lambda connection: connection.exec_driver_sql(count).scalar()) == 0
