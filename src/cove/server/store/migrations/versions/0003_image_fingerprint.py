"""Which content of its image a session was made from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column; nobody knows it of earlier sessions."""
    op.add_column("sessions", sa.Column("image_fingerprint", sa.String, nullable=False, server_default=""))
