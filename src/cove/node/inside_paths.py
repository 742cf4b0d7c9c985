"""Where our own things are inside a sandbox."""

GUEST_RUNTIME = "/run/cove/rt"
"""The guest's interpreter and code, read-only."""
