"""How many files, sockets and processes the server may have open, and so how many requests it may take at once."""

import resource

_OURS = 512
"""For listeners, the store, the log, and sandboxes' first processes and doors."""
_EACH = 3
"""A request has its client's socket, its guest's, and now and then one more."""
_MOST = 10_000


def open_more() -> int:
    """Raise the limit as far as the system lets us; returns it. Children inherit it, and sandboxes have their own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def requests_for(descriptors: int) -> int:
    """How many requests may be answered at the same time with so many descriptors.

    >>> requests_for(1024), requests_for(1 << 20)
    (170, 10000)
    """
    return max(_EACH * 16, min(_MOST, (descriptors - _OURS) // _EACH))
