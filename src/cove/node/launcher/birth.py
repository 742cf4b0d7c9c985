"""How a sandbox comes into being, step by step, in a child of the launcher; nothing here returns to its loop.

The order is research turned into code: a user namespace that will own all others; the mounts that need real root, made
detached, idmapped into it and carried in as descriptors; then the control groups (not before: they take the loop device
away), so that every process that outlives this one is counted and can be found; everything else happens inside. A
control can be left out of `Order.controls` by a test only, to show that its attack test fails without it.
"""

import fcntl
import os
import resource
import socket
from collections.abc import Callable
from pathlib import Path

from cove.node import syscalls as sys
from cove.node.disks import mount_disk
from cove.node.launcher.inside import enter_root
from cove.node.launcher.lock_down import lock_down
from cove.node.launcher.orders import Order
from cove.node.launcher.outer import Outer, Record
from cove.node.launcher.owners import make_user_namespace, take_ids

Step = Callable[[str], None]
_INNER = sys.CLONE_NEWNS | sys.CLONE_NEWNET | sys.CLONE_NEWCGROUP | sys.CLONE_NEWUTS | sys.CLONE_NEWIPC
FIRST_INHERITED = 3
"""The guest finds its listening socket at descriptor 3 and the work groups' files from 4 on."""


def be_born(
    order: Order, listener: socket.socket, report: Callable[[int], None], step: Step, outer: Outer | None = None
) -> None:
    """Become the sandbox's first process. `report` gets its process id, as the host counts; raises OSError.

    `outer` is the launcher's own user namespace, where it has no root.
    """
    record = None if outer is None else Record(order.directory)
    userns, mounts, work = _prepare_as_root(order, step) if outer is None else _prepare(order, outer, step)
    step("enter the user namespace")
    sys.setns(userns, sys.CLONE_NEWUSER)
    take_ids(0 if outer is None else outer.root)
    sys.unshare(sys.CLONE_NEWPID)
    if (pid := os.fork()) != 0:
        if record is not None:
            record.write(pid)
        report(pid)
        os._exit(0)
    if record is not None:
        record.await_written()
    os.setsid()
    step("make the other namespaces")
    sys.unshare(_INNER)
    enter_root(order, mounts, step)
    step("lock down")
    inherited = [listener.fileno(), *work]
    _place_descriptors(inherited)
    if order.ordinary is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.ordinary.file_bytes, order.ordinary.file_bytes))
    lock_down(order.controls)
    step("start the guest")
    os.execve(order.argv[0], _with_descriptors(order.argv, len(work)), {"PATH": "/usr/bin:/bin"})  # noqa: S606 - exec it is


def _prepare_as_root(order: Order, step: Step) -> tuple[int, dict[str, int], list[int]]:
    step("make a user namespace")
    userns = make_user_namespace(order.first_id)
    step("prepare mounts")
    mounts = prepare_mounts(order, userns)
    return userns, mounts, _join(order, step)


def _prepare(order: Order, outer: Outer, step: Step) -> tuple[int, dict[str, int], list[int]]:
    """The same without root: mounts are found as the user, whose paths they are, and owned by the sandbox's root."""
    work = _join(order, step)
    step("enter the launcher's user namespace")
    outer.enter()
    step("prepare mounts")
    mounts = mounts_of(order, sys.open_tree(f"{order.directory}/disk"), None)
    outer.become_root()
    outer.lay_out(mounts["disk"])
    step("make a user namespace")
    return outer.make_sandbox_namespace(order.ordinary.processes if order.ordinary else 1024), mounts, work


def _join(order: Order, step: Step) -> list[int]:
    """Enter the control groups; the files by which commands enter theirs."""
    step("join control groups")
    for file in order.join:
        Path(file).write_text("0")
    return [os.open(file, os.O_WRONLY | os.O_CLOEXEC) for file in order.work_files]


def prepare_mounts(order: Order, userns: int) -> dict[str, int]:
    """The mounts that only real root can make, detached, by the short name under which they are attached inside."""
    return mounts_of(order, mount_disk(Path(order.directory, "disk.img")), userns)


def mounts_of(order: Order, disk: int, userns: int | None) -> dict[str, int]:
    """The disk and the read-only trees, idmapped into `userns` where there is one."""
    mounts = {"disk": disk}
    sys.set_mount_attributes(disk, sys.MOUNT_ATTR_NODEV, userns)
    lowers = dict.fromkeys(path for overlay in order.overlays for path in overlay.lowers)
    for place, path in enumerate(lowers):
        mounts[f"lower{place}"] = _copy_of(path, userns)
    for place, bind in enumerate(order.binds):
        mounts[f"bind{place}"] = _copy_of(bind.source, recursive=bind.recursive)
    return mounts | {"runtime": _copy_of(order.runtime)}


def _copy_of(path: str, userns: int | None = None, *, recursive: bool = False) -> int:
    """Without a user namespace to map into, only what everybody may read can be read inside."""
    copy = sys.open_tree(path, recursive=recursive)
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
