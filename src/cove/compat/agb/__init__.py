"""AGB's wire: JSON at fixed paths such as `POST /mcp/createSession`, answered in an envelope."""

from cove.compat.agb.dialect import Agb

__all__ = ["Agb"]
