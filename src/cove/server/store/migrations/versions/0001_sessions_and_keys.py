"""The first schema: sessions and keys."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make both tables."""
    _make_sessions()
    _make_keys()


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("image_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("labels", sa.JSON, nullable=False),
        sa.Column("limits", sa.JSON, nullable=False),
        sa.Column("idle_timeout", sa.Float, nullable=False),
        sa.Column("max_lifetime", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("sandbox", sa.JSON, nullable=False),
        sa.Column("end_reason", sa.String),
        sa.Column("ended_at", sa.Float),
        sa.Column("create_key", sa.String),
        sa.Column("idle_paused", sa.Boolean, nullable=False),
    )
    living, with_key = sa.text("state NOT IN ('FINISH', 'FAILED')"), sa.text("create_key IS NOT NULL")
    op.create_index("sessions_newest", "sessions", ["created_at", "id"])
    op.create_index("sessions_slot", "sessions", ["slot"], unique=True, sqlite_where=living, postgresql_where=living)
    op.create_index(
        "sessions_create_key",
        "sessions",
        ["tenant", "create_key"],
        unique=True,
        sqlite_where=with_key,
        postgresql_where=with_key,
    )


def _make_keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("tenant", sa.String, nullable=False),
        sa.Column("is_operator", sa.Boolean, nullable=False),
        sa.Column("prefix", sa.String, nullable=False),
        sa.Column("digest", sa.String, nullable=False, unique=True),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
    )
