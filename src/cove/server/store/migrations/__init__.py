"""Alembic revisions, run by `schema.upgrade`."""
