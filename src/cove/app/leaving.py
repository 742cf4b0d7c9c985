"""When a Cove in the background goes: nobody has needed it for a while, or its data directory is no longer there."""

from typing import TYPE_CHECKING

import structlog

from cove.app.data import DataDir

if TYPE_CHECKING:
    from cove.server.presence import Presence

_log = structlog.get_logger("cove.app")


class Leaving:
    """Asked again and again by the server whether it is over; `linger` is in seconds."""

    def __init__(self, data: DataDir, presence: "Presence", linger: float) -> None:
        self._data, self._presence, self._linger = data, presence, linger

    def __call__(self) -> bool:
        """Whether to go now, which is logged."""
        reason = self._reason()
        if reason:
            _log.info("leaving", reason=reason)
        return bool(reason)

    def _reason(self) -> str:
        if not self._presence.is_background:
            return ""
        if not self._data.is_held():
            return "the data directory is no longer ours"
        if self._presence.unneeded_seconds() >= self._linger:
            return f"no session, and no request for {self._linger:g} s"
        return ""
