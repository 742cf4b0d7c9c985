"""How a sandbox comes into being, step by step, in a child of the launcher; nothing here returns to its loop.

The order is research turned into code: a user namespace that will own all others; the mounts that need real root, made
detached, idmapped into it and carried in as descriptors; then the control groups (not before: they take the loop device
away), so that every process that outlives this one is counted and can be found; everything else happens inside. A
control can be left out of `Order.controls` by a test only, to show that its attack test fails without it.
"""

import fcntl
import os
import socket
from collections.abc import Callable
from pathlib import Path

from cove.node import syscalls as sys
from cove.node.disks import mount_disk
from cove.node.launcher.inside import enter_root
from cove.node.launcher.lock_down import lock_down
from cove.node.launcher.orders import Order
from cove.node.settings import ID_RANGE

Step = Callable[[str], None]
_INNER = sys.CLONE_NEWNS | sys.CLONE_NEWNET | sys.CLONE_NEWCGROUP | sys.CLONE_NEWUTS | sys.CLONE_NEWIPC
FIRST_INHERITED = 3
"""The guest finds its listening socket at descriptor 3 and the work groups' files from 4 on."""


def be_born(order: Order, listener: socket.socket, report: Callable[[int], None], step: Step) -> None:
    """Become the sandbox's first process. `report` gets its process id, as the host counts; raises OSError."""
    step("make a user namespace")
    userns = make_user_namespace(order.first_id)
    step("prepare mounts")
    mounts = prepare_mounts(order, userns)
    step("join control groups")
    for file in order.join:
        Path(file).write_text("0")
    work = [os.open(file, os.O_WRONLY | os.O_CLOEXEC) for file in order.work_files]
    step("enter the user namespace")
    sys.setns(userns, sys.CLONE_NEWUSER)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    sys.unshare(sys.CLONE_NEWPID)
    if (pid := os.fork()) != 0:
        report(pid)
        os._exit(0)
    os.setsid()
    step("make the other namespaces")
    sys.unshare(_INNER)
    enter_root(order, mounts, step)
    step("lock down")
    inherited = [listener.fileno(), *work]
    _place_descriptors(inherited)
    lock_down(order.controls)
    step("start the guest")
    os.execve(order.argv[0], _with_descriptors(order.argv, len(work)), {"PATH": "/usr/bin:/bin"})  # noqa: S606 - exec it is


def make_user_namespace(first_id: int) -> int:
    """A user namespace whose ids 0 to 65535 are `first_id` and up outside; its descriptor is all that keeps it.

    The child it is made with ends when the pipe is closed, at the latest with this process; who outlives us reaps it.
    """
    held, end = os.pipe2(os.O_CLOEXEC)
    child = sys.fork_unmapped()
    if child == 0:
        os.close(end)
        os.read(held, 1)
        os._exit(0)
    try:
        for file in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{file}").write_text(f"0 {first_id} {ID_RANGE}\n")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(held)
        os.close(end)


def prepare_mounts(order: Order, userns: int) -> dict[str, int]:
    """The mounts that only real root can make, detached, by the short name under which they are attached inside."""
    mounts = {"disk": mount_disk(Path(order.directory, "disk.img"))}
    sys.set_mount_attributes(mounts["disk"], sys.MOUNT_ATTR_NODEV, userns)
    lowers = dict.fromkeys(path for overlay in order.overlays for path in overlay.lowers)
    for place, path in enumerate(lowers):
        mounts[f"lower{place}"] = _copy_of(path, userns)
    for place, bind in enumerate(order.binds):
        mounts[f"bind{place}"] = _copy_of(bind.source)
    return mounts | {"runtime": _copy_of(order.runtime)}


def _copy_of(path: str, userns: int | None = None) -> int:
    """Without a user namespace to map into, only what everybody may read can be read inside."""
    copy = sys.open_tree(path)
    sys.set_mount_attributes(copy, sys.MOUNT_ATTR_RDONLY | sys.MOUNT_ATTR_NODEV, userns)
    return copy


def _place_descriptors(inherited: list[int]) -> None:
    """Put them at 3, 4, …, and let exec close everything above; standard input and output become /dev/null."""
    high = [os.dup(fd) if fd > 100 else _dup_above(fd) for fd in inherited]
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for place, fd in enumerate(high):
        os.dup2(fd, FIRST_INHERITED + place, inheritable=True)
    for name in os.listdir("/proc/self/fd"):  # not closed here: the failure pipe must stay open until exec succeeds
        if int(name) >= FIRST_INHERITED + len(high):
            _close_on_exec(int(name))


def _close_on_exec(fd: int) -> None:
    try:
        os.set_inheritable(fd, False)
    except OSError:  # the listing's own descriptor, closed by now
        return


def _dup_above(fd: int) -> int:
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)


def _with_descriptors(argv: list[str], work: int) -> list[str]:
    fds = ",".join(str(FIRST_INHERITED + 1 + place) for place in range(work))
    return [*argv, "--fds", fds] if fds else argv
