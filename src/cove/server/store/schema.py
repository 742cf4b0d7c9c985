"""Brings a database to the newest schema; Alembic is loaded only where there is something to do."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from cove.core.errors import DataTooNew

HEAD = "0004"
"""The newest revision; a test holds it to what stands in `migrations/versions`."""
MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Run the revisions that the database lacks; raises DataTooNew for one that a later version has changed."""
    revision = _revision(connection)
    if revision == HEAD:
        return
    if revision is not None and revision > HEAD:  # they are numbered, so that their order is that of their names
        raise DataTooNew(file=connection.engine.url.database, found=revision, known=HEAD)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
