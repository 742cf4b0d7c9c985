"""What looks after itself: idle action, network and links of a session, expiry and name of a key, quotas."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns and make both tables."""
    op.add_column("sessions", sa.Column("on_idle", sa.String, nullable=False, server_default="pause"))
    op.add_column("sessions", sa.Column("network", sa.JSON))
    op.add_column("sessions", sa.Column("link_generation", sa.Integer, nullable=False, server_default="0"))
    op.add_column("keys", sa.Column("expires_at", sa.Float))
    op.add_column("keys", sa.Column("name", sa.String, nullable=False, server_default=""))
    _make_links()
    _make_quotas()


def _make_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("session_id", sa.String, nullable=False),
        sa.Column("port", sa.Integer),
        sa.Column("protocol", sa.String, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
    )
    op.create_index("links_session", "links", ["session_id"])


def _make_quotas() -> None:
    op.create_table(
        "quotas",
        sa.Column("tenant", sa.String, primary_key=True),
        sa.Column("sessions", sa.Integer),
        sa.Column("memory_bytes", sa.BigInteger),
        sa.Column("cpus", sa.Float),
    )
