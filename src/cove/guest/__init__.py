"""What runs inside every sandbox: the tools, and the process that answers calls of them."""

TYPE_CHECKING = False  # as type checkers know it; `typing` itself would cost pid 1 ten milliseconds

if TYPE_CHECKING:
    from cove.guest.service import Guest
    from cove.guest.settings import GuestSettings

__all__ = ["Guest", "GuestSettings"]


def __getattr__(name: str) -> object:
    # Lazily, since pid 1 imports `cove.guest.init` and must stay small.
    if name == "Guest":
        from cove.guest.service import Guest

        return Guest
    if name == "GuestSettings":
        from cove.guest.settings import GuestSettings

        return GuestSettings
    raise AttributeError(name)
