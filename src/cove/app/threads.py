"""The server's threads for work that blocks: all there from the start, so that one more means that something leaks."""

import threading
from concurrent.futures import ThreadPoolExecutor

THREADS = 16
"""More than the driver's steps that may run at once, so that a slow disk holds up nothing else."""


def filled_pool(size: int = THREADS) -> ThreadPoolExecutor:
    """A pool whose threads have all started; by itself it would start each when work first finds no idle one."""
    pool = ThreadPoolExecutor(size, "cove-work")
    all_here = threading.Barrier(size + 1)
    for _ in range(size):
        pool.submit(all_here.wait)
    all_here.wait()
    return pool
