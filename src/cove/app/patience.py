"""How long a client may take over a request. Pure: times are seconds of the loop's clock, and come in."""

from enum import Enum

import msgspec

NEVER = float("inf")


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What clients' connections may take: seconds, bytes a second, and how many of them there may be."""

    head: float = 20.0
    """From its first byte, or from a new connection, until a request's head is there."""
    silence: float = 60.0
    """Without a byte of a body, or with an answer of which nothing is taken."""
    rate: float = 500.0
    """What a body has to come with from `silence` on, on average: slow lines go on, single bytes do not."""
    keep: float = 75.0
    """Between an answer and the next request."""
    most: int = 1000
    reserved: int = 64
    """How many more this machine's own user may have, at the Unix socket: who floods a port does not lock him out."""


class Stage(Enum):
    """Where a connection is."""

    FRESH = "nothing has come yet"
    HEAD = "a head is coming"
    BODY = "a body is coming"
    WHOLE = "a request is there, and is being answered"
    KEPT = "answered; another request may come"


class Patience:
    """The time until which one connection is waited for: `deadline`, for what `stage` says, which began at `since`."""

    def __init__(self, bounds: Bounds, now: float) -> None:
        self.stage = Stage.FRESH
        self.deadline = now + bounds.head
        self._bounds = bounds
        self.since, self._size = now, 0
        self._unread, self._unread_since = 0, now

    def asked(self, now: float) -> None:
        """A request begins."""
        self.stage, self.since, self.deadline = Stage.HEAD, now, now + self._bounds.head

    def headed(self, now: float) -> None:
        """Its head is there."""
        self.stage, self.since, self._size = Stage.BODY, now, 0
        self.deadline = now + self._bounds.silence

    def took(self, size: int, now: float) -> None:
        """Bytes of its body came.

        >>> slow = Patience(Bounds(silence=60, rate=500), 0)
        >>> slow.headed(0)
        >>> slow.took(1, 50), slow.deadline
        (None, 60.002)
        >>> slow.took(49_999, 59), slow.deadline
        (None, 119)
        """
        self._size += size
        silence = self._bounds.silence
        self.deadline = min(now + silence, self.since + silence + self._size / self._bounds.rate)

    def completed(self) -> None:
        """All of it is there."""
        self.stage, self.deadline = Stage.WHOLE, NEVER

    def answered(self, now: float) -> None:
        """Everything that came is answered."""
        if self.stage is Stage.WHOLE:
            self.stage, self.deadline = Stage.KEPT, now + self._bounds.keep

    def postpone(self, now: float) -> None:
        """It is the server's turn, which has not come to what was sent."""
        self.deadline = now + self._bounds.head

    def is_unread(self, waiting: int, now: float) -> bool:
        """Whether nothing has been taken for too long of an answer, of which so many bytes wait."""
        if waiting != self._unread or not waiting:
            self._unread, self._unread_since = waiting, now
        return now - self._unread_since > self._bounds.silence
