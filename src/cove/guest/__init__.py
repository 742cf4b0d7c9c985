"""What runs inside every sandbox: the tools, and the process that answers calls of them."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cove.guest.service import Guest
    from cove.guest.settings import GuestSettings

__all__ = ["Guest", "GuestSettings"]


def __getattr__(name: str) -> Any:
    # Lazily, since pid 1 imports `cove.guest.init` and must stay small.
    if name == "Guest":
        from cove.guest.service import Guest

        return Guest
    if name == "GuestSettings":
        from cove.guest.settings import GuestSettings

        return GuestSettings
    raise AttributeError(name)
