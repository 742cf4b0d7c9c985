"""A child with the user's rights that notices when something below a place changes, and says so by a byte.

It tells that, and never what: the guest looks for itself. Where nothing can be noticed (no inotify, no more of it, the
child was killed) the guest looks once a second.
"""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager

from cove.guest.children import Child, become, fork
from cove.guest.inotify import Tree
from cove.guest.settings import GuestSettings

LOOK_MS = 1000
_QUIET_MS = 30
"""So long nothing must have happened before it says that something did: who writes a file does it in several steps."""
_LONGEST_MS = 240
_NOTICE = b"!"


@contextmanager
def notices(settings: GuestSettings, top: str) -> Iterator[int | None]:
    """A descriptor from which a byte can be read once the watch stands, and after each change; None if there is none.

    `top` is the path as this process opens it.
    """
    ours, theirs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        try:
            pid = fork(lambda: _notice(settings, top, theirs))
        except OSError:  # the session has all the processes it may have
            yield None
            return
        finally:
            os.close(theirs)
        with Child(pid):
            yield ours
    finally:
        os.close(ours)


def _notice(settings: GuestSettings, top: str, out: int) -> int:
    os.setpgid(0, 0)
    become(settings, "wuying")
    os.closerange(3, out)
    os.closerange(out + 1, 1 << 20)
    try:
        tree = Tree(top)
    except OSError:
        return 1
    _say(out)
    while _wait(tree.fd, out, None if tree.is_whole else LOOK_MS):
        if not tree.is_whole:
            tree.watch_all()
        _settle(tree)
        _say(out)
    return 0


def _settle(tree: Tree) -> None:
    """Take what comes until nothing has for a while."""
    for _ in range(_LONGEST_MS // _QUIET_MS):
        tree.take()
        if not _wait(tree.fd, None, _QUIET_MS):
            return


def _wait(fd: int, out: int | None, milliseconds: int | None) -> bool:
    """Whether there is something to do; not once nobody is left to be told. Without `out`, whether something came."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    if out is None:
        return bool(poller.poll(milliseconds))
    poller.register(out, 0)
    return out not in dict(poller.poll(milliseconds))


def _say(out: int) -> None:
    try:
        os.write(out, _NOTICE)
    except BlockingIOError:
        return  # it has not yet heard what was said before
