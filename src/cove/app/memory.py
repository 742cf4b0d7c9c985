"""Memory that one large request took goes back to the machine, and is not kept for the next."""

import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h
_THRESHOLD = 128 * 1024


def give_back_memory() -> None:
    """Let what is larger than 128 KiB be mapped by itself, and unmapped with its last use, where libc is glibc.

    That is what it begins with; but each block that is freed raises its threshold, up to 32 MiB, and every thread that
    has read a long request then keeps tens of MiB for ever.
    """
    choose = getattr(ctypes.CDLL(None), "mallopt", None)
    if choose is not None:
        choose(_M_MMAP_THRESHOLD, _THRESHOLD)
