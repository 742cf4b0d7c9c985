"""User namespaces, made in a child so that somebody outside of them can say who is who inside."""

import os
from collections.abc import Callable
from pathlib import Path

from cove.core.account import ID_RANGE
from cove.node import syscalls as sys


def make_user_namespace(first_id: int, *, inside: int = 0, count: int = ID_RANGE) -> int:
    """A user namespace whose ids `inside` and up are `first_id` and up outside; its descriptor alone keeps it."""
    line = f"{inside} {first_id} {count}\n"

    def write(child: int) -> None:
        for file in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{file}").write_text(line)

    return namespace_mapped_by(write)


def namespace_mapped_by(write: Callable[[int], None]) -> int:
    """A user namespace after `write`, given the number of a process in it, has written its maps; raises what it does.

    The child it is made with ends when the pipe is closed, at the latest with this process; who outlives us reaps it.
    """
    held, end = os.pipe2(os.O_CLOEXEC)
    child = sys.fork_unmapped()
    if child == 0:
        os.close(end)
        os.read(held, 1)
        os._exit(0)
    try:
        write(child)
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(held)
        os.close(end)


def take_ids(number: int) -> None:
    """Become user and group `number` of our user namespace, with no other group; raises OSError.

    In a namespace of one id nobody may set groups, and nobody has others than the user brought along.
    """
    if Path("/proc/self/setgroups").read_text().strip() == "allow":
        os.setgroups([])
    os.setresgid(number, number, number)
    os.setresuid(number, number, number)
