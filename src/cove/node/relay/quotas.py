"""How much one session may ask of the relay, so that it starves nobody. Pure."""

CONNECTIONS = 512
"""Open at once, at most; fewer where the process may open few files."""
NEW_CONNECTIONS = (250.0, 1024.0)
QUERIES = (200.0, 400.0)
"""Per second in the long run, and at once."""
DNS_CONNECTIONS = 16
WAITING_QUERIES = 128
"""Questions that wait for the host's resolver at once."""
RESOLUTIONS = 4
"""Look-ups of names at once: each holds a thread until the host's resolver answers."""
_FILES_FOR_OURSELVES = 128


class Bucket:
    """A token bucket: `rate` tokens a second come in, `burst` fit. Times are seconds of any clock."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now

    def is_empty(self, now: float) -> bool:
        """Whether there is no token to take."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return self._tokens < 1

    def take(self) -> None:
        """Take a token of those that `is_empty` saw."""
        self._tokens -= 1


def fair_share(file_limit: int, sessions: int) -> int:
    """Connections that each of `sessions` may have when the process may open `file_limit` files: two a connection.

    >>> fair_share(1_048_576, 10), fair_share(1024, 10)
    (512, 44)
    """
    return min(CONNECTIONS, max(1, (file_limit - _FILES_FOR_OURSELVES) // 2 // max(4, sessions)))
