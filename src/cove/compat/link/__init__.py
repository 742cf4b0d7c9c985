"""The codec of a session's own address: tools called past the API, by whoever holds the session's token."""

from cove.compat.link.dialect import Link

__all__ = ["Link"]
