"""A wish to end a call, which a thread that waits in `poll` notices."""

import os


class Cancel:
    """Set once, from any thread. `fd` becomes readable when it is set; close it when the call is over."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.is_set = False

    def set(self) -> None:
        """Ask for the end. Not to be called after `close`."""
        self.is_set = True
        os.eventfd_write(self.fd, 1)

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self.fd)
