"""The tables, as SQLAlchemy sees them; `migrations/` makes them, and a test holds the two together."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, text

metadata = MetaData()

# Naming `postgresql_where` here too would load that dialect at each start (0.1 s); the migrations name it.
_LIVING = text("state NOT IN ('FINISH', 'FAILED')")
_WITH_KEY = text("create_key IS NOT NULL")

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("image_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("limits", JSON, nullable=False),
    Column("idle_timeout", Float, nullable=False),
    Column("max_lifetime", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("slot", Integer, nullable=False),
    Column("sandbox", JSON, nullable=False),
    Column("end_reason", String),
    Column("ended_at", Float),
    Column("create_key", String),
    Column("idle_paused", Boolean, nullable=False),
    Column("on_idle", String, nullable=False, server_default="pause"),
    Column("network", JSON(none_as_null=True)),
    Column("link_generation", Integer, nullable=False, server_default="0"),
    Column("image_fingerprint", String, nullable=False, server_default=""),
    Index("sessions_newest", "created_at", "id"),
    Index("sessions_slot", "slot", unique=True, sqlite_where=_LIVING),
    Index("sessions_create_key", "tenant", "create_key", unique=True, sqlite_where=_WITH_KEY),
)

keys = Table(
    "keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("is_operator", Boolean, nullable=False),
    Column("prefix", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
    Column("expires_at", Float),
    Column("name", String, nullable=False, server_default=""),
)

links = Table(
    "links",
    metadata,
    Column("id", String, primary_key=True),
    Column("session_id", String, nullable=False),
    Column("port", Integer),
    Column("protocol", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Index("links_session", "session_id"),
)

quotas = Table(
    "quotas",
    metadata,
    Column("tenant", String, primary_key=True),
    Column("sessions", Integer),
    Column("memory_bytes", BigInteger),
    Column("cpus", Float),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String, primary_key=True),
    Column("session_id", String, nullable=False),
    Column("kept", JSON, nullable=False),
)
